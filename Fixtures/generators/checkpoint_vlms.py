def writers(p=None):
    return {}
