/** A stand-in for a graphics driver that never answers. */
setInterval(() => undefined, 60_000)
