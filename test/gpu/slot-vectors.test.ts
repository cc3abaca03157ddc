import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { type Final, type SlotPulses, slotStatements } from '../../src/gpu/slot.ts'
import { type AnyWork, slotNetworks } from '../../src/gpu/slot-network.ts'
import { decodeTranscript, encodeTranscript, transcriptId } from '../../src/gpu/transcript.ts'
import { honestProof } from '../support/proof.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const vectors = JSON.parse(
  readFileSync(new URL('../vectors/slot-proof.json', import.meta.url), 'utf8'),
)
const gpu = {
  genesis: fill(1),
  netuid: 2,
  hotkey: fill(3),
  peerId: 'p',
  gpuId: 'cpu-0',
  n: 256,
  bytes: FILL_UNIT_BYTES,
}

test('all statements of a slot are what the vectors say', () => {
  const pulse = (round: number) => ({
    round,
    signature: new Uint8Array(48),
    randomness: fill(round),
  })
  const pulses: SlotPulses = {
    fill: pulse(23),
    start: pulse(24),
    gemm: pulse(25),
    hops: pulse(26),
    open: pulse(28),
  }
  const final = (work: AnyWork, count: number): Final => ({
    slot: 24,
    gpu: gpu.gpuId,
    work,
    k: 9,
    count,
    head: fill(count),
    ticks: new Uint8Array(),
  })
  const finals = {
    residency: final('residency', 90),
    gemm: final('gemm', 40),
    locality: final('locality', 60),
  }
  const told = Object.entries(slotStatements(gpu, pulses, finals)).map(([work, statement]) => [
    work,
    Object.fromEntries(
      Object.entries(statement).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? hex(value) : value,
      ]),
    ),
  ])
  expect(Object.fromEntries(told)).toEqual(vectors.statements)
})

test('a transcript is what the vectors say, byte for byte: an honest proof of one slot has one id', async () => {
  const { transcript } = await honestProof(
    gpu,
    24,
    { passes: 2, steps: 1, checkpoints: 2 },
    (tick) => tick.head,
  )
  const content = encodeTranscript(transcript)
  const { residency, gemm, locality } = transcript
  expect({
    bytes: content.length,
    id: hex(transcriptId(content)),
    fields: Object.keys(decodeTranscript(content)),
    passRoots: hex(residency.roots),
    stepRoots: hex(gemm.roots),
    hopRoots: hex(locality!.roots),
    hopStates: hex(locality!.states),
  }).toEqual(vectors.transcript)
})

test('the parameter tables of networks are what the vectors say', () => {
  expect(slotNetworks).toEqual(vectors.networks)
})
