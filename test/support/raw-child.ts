import { enterRawMode } from '../../src/node/commands/raw-terminal.ts'

/** On a terminal: takes it raw, says so, and ends in the way that its argument names. */
const raw = enterRawMode(process)
process.stdout.write(`raw ${process.stdin.isRaw}\r\n`)
const [way = ''] = process.argv.slice(2)
if (way === 'dispose') raw[Symbol.dispose]()
else if (way === 'throw') throw new Error('a crash')
else if (way === 'exit') process.exit(3)
else process.kill(process.pid, way as NodeJS.Signals)
