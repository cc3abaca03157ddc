import type { Announcement } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { announcementOf } from '../../src/node/announced-gpus.ts'
import { createDeviceModes, type ProvingMode } from '../../src/node/device-modes.ts'
import type { Machine } from '../../src/node/machine.ts'
import { createOwnFills, type OwnFillsNeeds } from '../../src/node/own-fills.ts'
import type { Service } from '../../src/node/service.ts'
import { announceCapability } from '../../src/node/services/announce-capability.ts'
import { answerChallenges } from '../../src/node/services/answer-challenges.ts'
import { type Capability, sealCapability } from '../../src/protocols/capability.ts'
import { offerOf } from './market.ts'
import type { MemberParts } from './slot-market.ts'

type Shared = { publicKey: Uint8Array; payload: Capability }[]

const slots = slotNetworks.local

/**
 * A miner of a slot market that announces its one device itself, as a whole node does, instead of being known from the
 * start; validators know each record at once.
 */
export function announcingMiner({ core, pulses, ...parts }: MemberParts, known: Shared): Service {
  const { net, key, peerId, nowMs } = core
  const { beacon } = pulses
  const at = known.findIndex(({ payload }) => payload.peerId === peerId)
  const [first] = known.splice(at, 1)
  const devices = first!.payload.devices
  const own = () => known.find(({ payload }) => payload.peerId === peerId)
  const owner = { peerId, hotkey: key.publicKey }
  const named: OwnFillsNeeds['announcementOf'] = (_, mode: ProvingMode) =>
    announcementOf(net, slots, owner, devices[0]!, mode)
  const ownFills = createOwnFills({ beacon, slots, nowMs, announcementOf: named })
  const { noticeMs, entryMs } = slots
  const modes = createDeviceModes({
    wanted: () => 'idle',
    fills: ownFills,
    noticeMs,
    entryMs,
    nowMs,
  })
  const { host } = offerOf({ peerId })
  const onProofs = ownFills.onChange
  const machine: Machine = { devices, backend: 'cpu', engine: 'none', host, modes, onProofs }
  const toFill = (slotMs: number): Announcement[] =>
    devices.flatMap(({ id }) => {
      const mode = modes.fillOf(id, slotMs)
      return mode === undefined ? [] : (named(id, mode) ?? [])
    })
  const capabilities = {
    async announce(what: object) {
      const issuedAtMs = nowMs()
      const payload = {
        ...what,
        peerId,
        seq: issuedAtMs,
        issuedAtMs,
        expiresAtMs: issuedAtMs + 60_000,
      }
      const record = sealCapability(net, key, payload as Capability)
      const before = own()
      if (before !== undefined) known.splice(known.indexOf(before), 1)
      known.push(record)
      return record
    },
  }
  const dht = { put: async () => 9, provide: async () => 9 }
  const announces = announceCapability({ core, dht, capabilities, machine } as never)
  const answers = answerChallenges({ core, pulses, ...parts, ownFills, toFill })
  return {
    name: 'announcing-miner',
    async start(signal) {
      await announces.start(signal)
      await answers.start(signal)
    },
    stop: async () => answers.stop?.(),
  }
}
