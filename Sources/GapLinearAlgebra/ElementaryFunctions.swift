#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The natural logarithm, by the C library.
package func logarithm(_ x: Double) -> Double { log(x) }

/// The exponential function, by the C library.
package func exponential(_ x: Double) -> Double { exp(x) }
