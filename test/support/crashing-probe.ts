/** A stand-in for a graphics driver that ends the process it is loaded into. */
process.kill(process.pid, 'SIGSEGV')
