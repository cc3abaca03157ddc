import { expect, test } from 'vitest'
import {
  bindingMessage,
  classesOf,
  classKey,
  modelClass,
  SHARDS,
  shardOf,
  utcDay,
} from '../../src/protocols/capability.ts'
import { keyOfPeerId, peerIdOfKey } from '../../src/protocols/peer-key.ts'
import { testKey, testNet } from '../support/market.ts'

test.each([
  ['NVIDIA H100 80GB HBM3', 'h100-sxm'],
  ['NVIDIA H100 PCIe', 'h100-pcie'],
  ['NVIDIA A100-SXM4-80GB', 'a100-sxm'],
  ['NVIDIA GeForce RTX 4090', 'rtx-4090'],
  ['Tesla T4', 't4'],
  ['AMD Instinct MI300X', 'mi300x'],
  ['NVIDIA', ''],
])('%s is found under %s', (name, slug) => expect(modelClass(name)).toBe(slug))

test('classes are the model and the memory rounded down to a usual size', () => {
  const gpu = { id: '0000:01:00.0', name: 'NVIDIA H100 80GB HBM3', vramMiB: 81_559 }
  expect(classesOf([gpu, gpu])).toEqual(['gpu:h100-sxm', 'vram:80'])
  expect(classesOf([{ id: 'cpu-0', name: 'EPYC', vramMiB: 0 }])).toEqual(['cpu'])
  expect(classesOf([])).toEqual([])
})

test('class keys differ by network, class, shard and day, and by nothing else', () => {
  const keys = [
    classKey(testNet(), 'cpu', 0, 1),
    classKey(testNet(9), 'cpu', 0, 1),
    classKey(testNet(), 'gpu:h100-sxm', 0, 1),
    classKey(testNet(), 'cpu', 1, 1),
    classKey(testNet(), 'cpu', 0, 2),
  ].map(String)
  expect(new Set(keys).size).toBe(keys.length)
  expect(String(classKey(testNet(), 'cpu', 0, 1))).toBe(keys[0])
})

test('peers spread over all shards', () => {
  const shards = new Set(Array.from({ length: 200 }, (_, i) => shardOf(Uint8Array.of(i))))
  expect(shards.size).toBe(SHARDS)
})

test('a UTC day is counted from 1970', () => {
  expect(utcDay(86_399_999)).toBe(0)
  expect(utcDay(86_400_000)).toBe(1)
})

test('a PeerId and its key are two forms of one thing', () => {
  const { publicKey, peerId } = testKey(1)
  expect(peerIdOfKey(publicKey)).toBe(peerId)
  expect(keyOfPeerId(peerId)).toEqual(publicKey)
  expect(() => keyOfPeerId('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')).toThrow(/ed25519/)
  expect(() => keyOfPeerId('x')).toThrow(/no PeerId/)
})

test('what a binding signs has a fixed shape', () => {
  const message = bindingMessage(testNet(), {
    hotkey: new Uint8Array(32).fill(7),
    seq: 2 ** 40,
    expiresAtBlock: 9,
    peerKey: testKey(1).publicKey,
  })
  expect(message.length).toBe('compute-node/bind/1\0'.length + 32 + 32 + 32 + 12)
})
