#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The natural logarithm, by the C library.
package func logarithm(_ x: Double) -> Double { log(x) }

/// The exponential function, by the C library.
package func exponential(_ x: Double) -> Double { exp(x) }

/// The cosine, by the C library.
package func cosine(_ x: Double) -> Double { cos(x) }

/// The sine, by the C library.
package func sine(_ x: Double) -> Double { sin(x) }

/// The power, by the C library.
package func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }

/// The arc tangent.
package func arcTangent(_ x: Double) -> Double { atan(x) }
