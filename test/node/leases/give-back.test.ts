import { expect, test } from 'vitest'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { settle } from '../../../src/node/services/settle.ts'
import { leaseProtocol } from '../../../src/protocols/lease.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  meet,
  orderOf,
  startMiner,
  startRenter,
  take,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

const GRANT = 10_000_000n

test('a miner that lost its records gives the deposit back when its renter comes, and to nobody else', async () => {
  const [ledger, key] = [new FakeLedger(), freshKey()]
  const miner = await startMiner({ key, ledger, engine: new FakeEngine(), endOnStop: false })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, GRANT)
  const settling = settle({ renting: renter.book })
  const life = new AbortController()
  await settling.start(life.signal)
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.state === 'ACTIVE')
  // One more, which the miner was never told of.
  const { escrow } = ledger.railOf(renter.key)
  const leaseId = new Uint8Array(32).fill(7)
  const expiresAtMs = Date.now() + 1_000_000
  await escrow.open({ leaseId, miner: key.publicKey, deposit: 5000n, expiresAtMs })
  expect(ledger.balance(renter.key)).toBe(GRANT - 65_000n)
  await miner.kill()
  const empty = await startMiner({ key, ledger, engine: new FakeEngine() })
  const other = await startRenter({ key: freshKey(), ledger, miners: [empty] })
  const ask = (who: typeof renter) =>
    who.peer.rpc.ask(leaseProtocol, key.peerId, { kind: 'status', leaseId })
  const unknown = { code: 'REFUSED_UNKNOWN_LEASE' }
  await expect(ask(other)).rejects.toMatchObject(unknown)
  expect((await escrow.inspect(leaseId))?.state).toBe('open')
  await meet(renter, empty)
  await expect(ask(renter)).rejects.toMatchObject(unknown)
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({ state: 'FAILED', ending: { code: 'miner-forgot' } })
  await until(() => ledger.balance(renter.key) === GRANT)
  expect(now.lease).toMatchObject({ escrow: 'closed', settled: '0' })
  const given = empty.events().filter(({ event }) => event === 'deposit-given-back')
  expect(given).toHaveLength(2)
  // Said again, nothing happens.
  await expect(ask(renter)).rejects.toMatchObject(unknown)
  expect(ledger.balance(key)).toBe(0n)
  life.abort()
  await settling.stop?.()
})
