// A fine-tune: a folder goes in, a script in it runs for a while, and what it made comes back. Run again after a broken
// connection, only what is missing travels.
//
//   node examples/03-fine-tune.ts FOLDER RESULT [IMAGE]      FOLDER holds train.sh, which writes to $OUT; Ctrl-C ends it
//
// Prints how many files went in, what the script prints, and how many files came back; on stderr how far a copy is.
import { connect, untilInterrupted } from 'compute-node'

const [folder, result, image] = process.argv.slice(2)
if (folder === undefined || result === undefined) throw new Error('name a FOLDER and a RESULT')

await using node = await connect({ signal: untilInterrupted() })
await using lease = await node.rent({
  image,
  query: process.env['QUERY'] ?? '',
  hours: 1,
  labels: { job: 'fine-tune' },
})

const sent = await lease.files.put(folder, '/tmp/job', {
  exclude: ['.git', '*.tmp'],
  onProgress: ({ bytes, plannedBytes }) =>
    process.stderr.write(`\r${bytes} of ${plannedBytes} bytes`),
})
process.stderr.write('\n')
console.log(`${sent.files} files went in`)

const training = lease.exec(['sh', 'train.sh'], {
  workingDir: '/tmp/job',
  env: { OUT: '/tmp/job/out' },
})
for await (const line of training.stdout.lines()) console.log(`  ${line}`)
const exitCode = await training.exit
if (exitCode !== 0) throw new Error(`the training ended with exit code ${exitCode}`)

const got = await lease.files.get('/tmp/job/out', result)
console.log(`${got.files} files came back: ${result}`)
