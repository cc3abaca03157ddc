// Trust nobody: takes the proof behind a validator's word, and checks it here, from its bytes alone. The check itself
// needs no node and no network.
//
//   node examples/09-verify-offline.ts [FILE]      without a file: the newest proof that the node can get
//
// Prints who testified, the verdict, and every check; the exit code is 0 for VALID alone.
import { readFile } from 'node:fs/promises'
import { connect, verifyTranscript } from 'compute-node'

async function newestProof(): Promise<Uint8Array> {
  await using node = await connect()
  for (const { slot, validator, verdict, transcript } of await node.attestations()) {
    if (verdict !== 'VALID' || transcript === null) continue
    console.log(`${validator} says VALID of slot ${slot}`)
    return await node.transcripts.get(transcript)
  }
  throw new Error('nobody has testified yet: try again after the next slot')
}

const file = process.argv[2]
const proof = file === undefined ? await newestProof() : await readFile(file)

const found = await verifyTranscript(proof)
console.log(`${found.verdict}: ${found.gpu} of ${found.peerId}, ${found.bytes} bytes`)
for (const { name, ok, detail } of found.checks) {
  console.log(`  ${name.padEnd(10)} ${ok ? 'ok ' : 'BAD'} ${detail}`)
}
process.exitCode = found.verdict === 'VALID' ? 0 : 1
