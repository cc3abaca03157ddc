/** A thread of a prover's process: kills it when its parent is gone, whatever the main thread is stuck in. */
import { workerData } from 'node:worker_threads'

const LOOK_EVERY_MS = 1000

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL')
}, LOOK_EVERY_MS)
