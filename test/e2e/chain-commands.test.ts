// The chain and wallet commands, each its own process, against an embedded chain in another.
import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { parseTao } from '../../src/node/format-tao.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import { outputSchemas } from '../../src/node/output-schemas.ts'
import { openStore } from '../../src/node/store.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { sealOffer } from '../../src/protocols/offers.ts'
import { peerIdOfKey } from '../../src/protocols/peer-key.ts'
import { offerOf } from '../support/market.ts'
import { endWith, firstLine, runCli, startCli } from '../support/run-cli.ts'
import { requireOrSkip } from '../support/skips.ts'

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'

const root = mkdtempSync(join(tmpdir(), 'cn-chain-commands-'))
let chain: ChildProcess
let common: string[] = []
let genesis = ''

beforeAll(async () => {
  const args = ['--json', '--netuid', '1', '--port', '0', '--block-ms', '200', '--tempo', '5']
  chain = startCli(['chain', 'dev', ...args, '--data-dir', join(root, 'chain')])
  const ready = JSON.parse(await firstLine(chain))
  expect(outputSchemas['chain dev']!.schema.parse(ready)).toEqual(ready)
  genesis = ready.genesis.replace(/^0x/, '')
  common = ['--network', 'local', '--netuid', '1', '--chain', ready.url]
  common.push('--wallet.path', join(root, 'wallets'), '--data-dir', join(root, 'node'))
})
afterAll(async () => {
  expect(await endWith(chain, 'SIGTERM')).toBe(0)
  rmSync(root, { recursive: true })
})

/** Runs a command with --json and holds its output against its schema. */
async function json(name: string, ...args: string[]): Promise<Record<string, unknown>> {
  const run = await runCli([...name.split(' '), '--json', ...common, ...args])
  expect([run.exitCode, run.stderr]).toEqual([0, ''])
  const value = JSON.parse(run.stdout)
  expect(outputSchemas[name]!.schema.parse(value)).toEqual(value)
  return value
}

test('a wallet is created, registered, staked, bound and listed; doing it again changes nothing', {
  timeout: 180_000,
}, async () => {
  const made = await json('wallet create', '--no-password')
  expect(statSync(join(root, 'wallets/default/hotkeys/default')).mode & 0o777).toBe(0o600)
  const plain = { name: 'default', keyType: 'sr25519', encrypted: false }
  expect(await json('wallet list')).toEqual({
    items: [
      { ...plain, key: 'coldkey', hotkey: null, address: made['coldkey'] },
      { ...plain, key: 'hotkey', hotkey: 'default', address: made['hotkey'] },
    ],
  })
  const first = await json('chain register', '--stake', '12.5')
  expect(first).toMatchObject({ uid: 0, hotkey: made['hotkey'], registered: true })
  expect(Number(first['stake'])).toBeGreaterThan(12)
  const again = await json('chain register', '--stake', '12.5')
  // An epoch may have added to the stake in between.
  expect(again).toEqual({ ...first, stake: again['stake'], registered: false })
  expect(Number(again['stake'])).toBeGreaterThanOrEqual(Number(first['stake']))
  const bound = await json('chain bind')
  expect(bound).toMatchObject({ hotkey: made['hotkey'] })
  const rebound = await json('chain bind')
  expect(rebound['seq']).toBeGreaterThan(bound['seq'] as number)
  const { items } = (await json('chain metagraph')) as { items: Record<string, unknown>[] }
  expect(items).toMatchObject([
    { uid: 0, hotkey: made['hotkey'], coldkey: made['coldkey'], boundAt: expect.any(Number) },
  ])
  expect(items[0]).toMatchObject({ peers: null })
  const few = await runCli(['chain', 'metagraph', 'stake>1000', '-o', '-stake', ...common])
  expect([few.exitCode, few.stdout]).toEqual([3, 'nobody is like that\n'])
  const live = startCli(['chain', 'metagraph', '--watch', '--json', ...common])
  expect(JSON.parse(await firstLine(live))).toMatchObject({ uid: 0, block: expect.any(Number) })
  expect(await endWith(live, 'SIGINT')).toBe(0)
  expect(await json('chain weights')).toMatchObject({
    items: [],
    mine: {
      hotkey: made['hotkey'],
      uid: 0,
      way: 'direct',
      commits: [],
      epoch: { tempo: expect.any(Number), minutesLeft: null },
    },
  })
})

test('what the next epochs would pay is simulated from the chain, and again from a file', async () => {
  const saved = join(root, 'subnet.json')
  const now = await json('chain simulate', '--out', saved)
  expect(now).toMatchObject({ epochs: 1, yuma: 2, items: [{ uid: 0, before: null }] })
  expect(now['items']).toMatchObject([{ emission: now['emission'] }]) // the only stake, no weights
  const offline = ['chain', 'simulate', '--file', saved, '--epochs', '5']
  const run = await runCli([...offline, '--json', '--stake', '0=7.5', '--emission', '2'])
  expect([run.exitCode, run.stderr]).toEqual([0, ''])
  const simulation = JSON.parse(run.stdout)
  expect(outputSchemas['chain simulate']!.schema.parse(simulation)).toEqual(simulation)
  expect(simulation).toMatchObject({ epochs: 5, emission: '2', items: [{ stake: '7.5' }] })
  expect(Number(simulation.items[0].before.total)).toBeCloseTo(5 * Number(now['emission']))
  const shown = await runCli(offline)
  expect(shown.stdout).toContain('EMISSION IN 5 EPOCHS')
  expect(shown.stderr).toContain('alpha an epoch')
})

test('a hotkey vouches for nodes of other machines, and revokes one: all by files that are handed around', {
  timeout: 180_000,
}, async () => {
  const { hotkey } = (await json('chain bind')) as { hotkey: string }
  const other = (name: string) => [
    '--data-dir',
    join(root, name),
    '--wallet.path',
    join(root, 'no'),
  ]
  const [one, two] = [join(root, 'one.txt'), join(root, 'two.txt')]
  const asked = await json('chain bind request', hotkey, ...other('one'))
  writeFileSync(one, `${asked['text']}\n`)
  writeFileSync(two, String((await json('chain bind request', hotkey, ...other('two')))['text']))
  const added = await json('chain bind add', one, two)
  expect(added['peers']).toHaveLength(3)
  const back = join(root, 'back.txt')
  writeFileSync(back, String(added['text']))
  const taken = await json('chain bind accept', back, ...other('one'))
  expect(taken).toMatchObject({ peerId: asked['peerId'], hotkey })
  const early = await runCli(['chain', 'bind', 'accept', one, ...common, ...other('one')])
  expect([early.exitCode, early.stderr]).toEqual([2, expect.stringContaining('does not name')])

  // What is prepared is taken by a node before it is committed, and holds as soon as it is.
  const prepared = await json('chain bind remove', String(asked['peerId']), '--prepare')
  const ahead = join(root, 'ahead.txt')
  writeFileSync(ahead, String(prepared['text']))
  expect(await json('chain bind accept', ahead, ...other('two'))).toMatchObject({ held: false })
  const left = await json('chain bind remove', String(asked['peerId']))
  expect(left['peers']).toHaveLength(2)
  expect(await json('chain bind accept', ahead, ...other('two'))).toMatchObject({ held: true })
  const late = await runCli(['chain', 'bind', 'accept', back, ...common, ...other('two')])
  expect([late.exitCode, late.stderr]).toEqual([
    2,
    expect.stringContaining('not what the chain holds'),
  ])
  const listed = (await json('chain bind list')) as { items: { peerId: string }[] }
  expect(listed.items.map(({ peerId }) => peerId)).toEqual(left['peers'])
  const again = await runCli(['chain', 'bind', 'remove', String(asked['peerId']), ...common])
  expect(again.exitCode).toBe(3)

  rmSync(String(left['file']))
  const elsewhere = ['--data-dir', join(root, 'three')]
  const lost = await runCli(['chain', 'bind', 'list', ...common, ...elsewhere])
  expect([lost.exitCode, lost.stderr]).toEqual([2, expect.stringContaining('chain bind add')])
  // Any node's file brings the list back.
  const rebuilt = await json('chain bind add', join(root, 'two/bindings.txt'), ...elsewhere)
  expect(rebuilt['peers']).toEqual(left['peers'])
})

test('what a node signed is anchored, and one record of it proven; doing it again changes nothing', async () => {
  const empty = await runCli(['chain', 'anchor', ...common])
  expect([empty.exitCode, empty.stderr]).toEqual([3, expect.stringContaining('no records')])
  const { recordKey } = await loadIdentity(join(root, 'node', 'identity.key'), silent)
  const net = createNetwork('local', 1, Uint8Array.from(Buffer.from(genesis, 'hex')))
  const peerId = peerIdOfKey(recordKey.publicKey)
  const offer = sealOffer(net, recordKey, offerOf({ peerId }))
  {
    await using store = await openStore(join(root, 'node', 'store'))
    await store.bucket('offers').put('live/x/0', offer.bytes)
  }
  const done = await json('chain anchor')
  expect(done).toMatchObject({ records: 1, anchored: true, index: expect.any(Number) })
  expect(await json('chain anchor')).toEqual({ ...done, anchored: false })
  const [file, id] = [join(root, 'proof.json'), Buffer.from(offer.id).toString('hex')]
  const prove = ['chain', 'anchor', '--prove', id.slice(0, 12), ...common]
  const shown = await runCli(prove)
  const proof = JSON.parse(shown.stdout)
  expect(outputSchemas['chain anchor --prove']!.schema.parse(proof)).toEqual(proof)
  expect((await runCli([...prove, '--out', file])).exitCode).toBe(0)
  const verify = ['chain', 'anchor', '--verify', file]
  const offline = await runCli([...verify, '--json'])
  const finding = JSON.parse(offline.stdout)
  expect(outputSchemas['chain anchor --verify']!.schema.parse(finding)).toEqual(finding)
  expect(finding).toMatchObject({
    verdict: 'VALID',
    items: [{ id, hotkey: done['hotkey'], peerId, block: done['block'] }],
    first: done['hotkey'],
  })
  const online = await runCli([...verify, file, ...common])
  expect([online.exitCode, online.stderr]).toEqual([0, ''])
  expect(online.stdout).toContain(`ok  committed in block ${done['block']}, transaction `)
  expect(online.stdout).toContain(`first: ${done['hotkey']}`)
  writeFileSync(file, JSON.stringify({ ...proof, block: proof.block - 1 }))
  const wrong = await runCli([...verify, ...common])
  expect([wrong.exitCode, wrong.stdout]).toEqual([1, expect.stringContaining('INVALID')])
})

/** The one account that is asked about, the wallet's unless named. */
async function balanceOf(...address: string[]): Promise<Record<string, unknown>> {
  const { items } = await json('chain balance', ...address)
  return (items as Record<string, unknown>[])[0]!
}

/** What is there besides stake, which every epoch adds to. */
async function fundsOf(...address: string[]): Promise<Record<string, unknown>> {
  const { hotkeys: _, ...funds } = await balanceOf(...address)
  return funds
}

test('what an account holds is shown, and sent once its owner agreed', async () => {
  const before = await balanceOf()
  expect(before).toMatchObject({ reserved: '0', hotkeys: [{ uid: 0, owned: true }] })
  const [{ stake, own }] = before['hotkeys'] as [{ stake: string; own: string }]
  expect(Number(stake)).toBeGreaterThan(12)
  expect(own).toBe(stake) // nobody else staked there
  const both = await runCli([
    'chain',
    'balance',
    before['address'] as string,
    ALICE,
    '--csv',
    ...common,
  ])
  expect(both.stdout.split('\n')).toEqual([
    'address,free,reserved,uid,hotkey,owned,own,stake',
    expect.stringMatching(`^${before['address']},[\\d.]+,0,,,,,$`),
    expect.stringMatching(`^${before['address']},,,0,5\\w+,yes,[\\d.]+,[\\d.]+$`),
    expect.stringMatching(`^${ALICE},[\\d.]+,0,,,,,$`),
    expect.stringMatching(`^${ALICE},,,,${ALICE},yes,[\\d.]+,[\\d.]+$`), // the subnet owner's cut
    '',
  ])
  expect(await fundsOf(before['address'] as string)).toEqual(await fundsOf())
  const asked = await runCli(['chain', 'transfer', ALICE, '0.25', ...common])
  expect([asked.exitCode, asked.stdout]).toEqual([2, ''])
  expect(asked.stderr).toMatch(/sends 0.25 TAO to 5Grw.* for a fee of about 0, and leaves/)
  expect(await fundsOf()).toMatchObject({ free: before['free'] })
  const sent = await json('chain transfer', ALICE, '0.25', '--yes')
  expect(sent).toMatchObject({ from: before['address'], to: ALICE, amount: '0.25' })
  expect(parseTao(sent['left'] as string)).toBe(
    parseTao(before['free'] as string)! - parseTao('0.25')!,
  )
  expect(await fundsOf()).toMatchObject({ free: sent['left'] })
})

const hasScript = spawnSync('script', ['--version']).status === 0

test.skipIf(!requireOrSkip(hasScript, 'script(1) of util-linux'))(
  'a person who does not agree at the terminal sends nothing',
  async () => {
    const before = await fundsOf()
    const entry = join(import.meta.dirname, '../../bin/compute-node.js')
    const command = [process.execPath, entry, 'chain', 'transfer', ALICE, '0.5', ...common]
    const line = command.map((word) => `'${word}'`).join(' ')
    const terminal = spawn('script', ['-qec', line, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, SHELL: '/bin/sh' },
    })
    let shown = ''
    terminal.stdout.on('data', (chunk: Buffer) => {
      const asked = shown.includes('[y/N]')
      shown += chunk.toString()
      if (!asked && shown.includes('[y/N]')) terminal.stdin.write('n\r')
    })
    const [exitCode] = await once(terminal, 'close')
    expect([exitCode, shown]).toEqual([5, expect.stringContaining('nothing was sent')])
    expect(shown).toContain('sends 0.5 TAO')
    expect(await fundsOf()).toEqual(before)
  },
)

test('what a hotkey got is listed by epoch, in all, and as comma-separated values', async () => {
  interface Listed {
    readonly items: Record<string, number | string>[]
    readonly total: Record<string, number | string>
  }
  const { items, total } = (await json('chain earnings', '--epochs', '3')) as unknown as Listed
  expect(items.length).toBeGreaterThan(1)
  const epochs = items.map(({ epoch }) => Number(epoch))
  expect(epochs).toEqual(epochs.map((_, i) => epochs[0]! + i))
  for (const { block } of items.slice(1)) expect(block).toBeGreaterThan(Number(items[0]!['block']))
  expect(items.at(-1)).toMatchObject({ state: 'read', source: 'chain', uid: 0, incentives: [0] })
  const [before, last] = items.slice(-2).map(({ stake }) => parseTao(String(stake))!)
  expect(last! - before!).toBe(parseTao(String(items.at(-1)!['emission']))) // it has arrived
  expect(total).toMatchObject({ epochs: 3, read: 3, unknown: 0 })
  expect(parseTao(String(total['worth']))).toBeGreaterThan(parseTao(String(total['emission']))!)
  const [from, to] = [String(epochs[0]), String(epochs[1])]
  const named = await json('chain earnings', '--from-epoch', from, '--to-epoch', to)
  expect(named['items']).toEqual(items.slice(0, 2))
  const future = await json('chain earnings', '--from-epoch', '9999999')
  expect(future).toMatchObject({ items: [], total: { epochs: 0, emission: '0' } })
  const stranger = (await json('chain earnings', ALICE)) as { items: object[] }
  expect(stranger.items).toMatchObject([{ state: 'unregistered', emission: null }])
  const csv = await runCli(['chain', 'earnings', '--csv', ...common])
  expect([csv.exitCode, csv.stderr]).toEqual([0, ''])
  expect(csv.stdout).toMatch(
    /^epoch,block,state,uid,emission,.*\n\d+,\d+,read,0,[\d.]+,.*,chain\n$/,
  )
})

test('who staked on a hotkey is listed, with what the last epoch gave them', async () => {
  const [first] = (await json('chain delegates'))['items'] as Record<string, unknown>[]
  expect(first).toMatchObject({ uid: 0, take: '17.99', nominators: 1 })
  const hotkey = String(first!['hotkey'])
  const one = await json('chain delegates', hotkey)
  expect(one).toMatchObject({ hotkey, owner: first!['owner'] })
  const [own] = one['items'] as Record<string, unknown>[]
  expect(own).toMatchObject({ coldkey: one['owner'], owner: true, share: '100.00', recorded: null })
  expect(own!['earned']).toBe(one['shared']) // all of it
  expect(parseTao(String(one['shared']))).toBeGreaterThan(0n)
  const csv = await runCli(['chain', 'delegates', hotkey, '--csv', ...common])
  expect(csv.stdout).toMatch(
    /^coldkey,owner,stake,share_percent,earned,recorded,recorded_epochs\n5\w+,yes,[\d.]+,100.00,[\d.]+,,\n$/,
  )
  const nobody = '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y'
  expect((await runCli(['chain', 'delegates', nobody, ...common])).exitCode).toBe(3)
})

test('words come on stdin and show up nowhere', async () => {
  const words = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'
  const entry = join(import.meta.dirname, '../../bin/compute-node.js')
  const args = ['wallet', 'import', '--wallet.hotkey', 'restored', ...common]
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(`${words}\n`)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toContain('5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV')
  expect(stdout).not.toContain('bottom')
})

test.each([
  [2, 'overwritten', ['wallet', 'create']],
  [2, 'is no wallet name', ['wallet', 'create', '--wallet.name', '../x']],
  [2, 'there is no key', ['chain', 'register', '--wallet.name', 'none']],
  [2, 'is no amount', ['chain', 'transfer', ALICE, '1e3', '--yes']],
  [2, 'no SS58 address', ['chain', 'transfer', `${ALICE}1`, '1', '--yes']],
  [5, 'holds', ['chain', 'transfer', ALICE, '1000000', '--yes']],
  [2, '--stake', ['chain', 'register', '--stake', 'much']],
  [2, '--stake', ['chain', 'register', '--stake', '3=5']],
  [2, 'says no uid', ['chain', 'simulate', '--stake', '5']],
  [2, 'there is no uid 9', ['chain', 'simulate', '--cabal', '0+9:0']],
  [2, 'cannot read', ['chain', 'simulate', '--file', '/nonexistent/subnet.json']],
  [7, 'there is no subnet 9', ['chain', 'metagraph', '--netuid', '9']],
  [7, 'cannot reach the chain', ['chain', 'metagraph', '--chain', 'ws://127.0.0.1:9']],
  [2, 'did you mean stake', ['chain', 'metagraph', 'steak>1']],
  [2, 'is no condition', ['chain', 'metagraph', 'stake']],
  [2, 'is no SS58 address', ['chain', 'bind', 'request', '5Grw']],
  [2, 'is no PeerId', ['chain', 'bind', 'remove', '12D3']],
  [2, 'cannot read', ['chain', 'bind', 'accept', '/nonexistent']],
  [2, 'is no id of a record', ['chain', 'anchor', '--prove', 'x']],
  [3, 'no record of that id', ['chain', 'anchor', '--prove', '00'.repeat(32)]],
  [2, 'cannot read', ['chain', 'anchor', '--verify', '/nonexistent']],
  [2, 'belongs to no file', ['chain', 'anchor', 'x']],
  [2, 'is not the chain of', ['chain', 'metagraph', '--genesis', '22'.repeat(32)]],
])('exit %d and one clear line: %s', async (exitCode, words, args) => {
  const run = await runCli([...args, ...common.filter((_, i) => !overridden(args, i))])
  expect(run.exitCode).toBe(exitCode)
  expect(run.stderr).toContain(words)
  expect(run.stderr).toContain('next:')
  expect(run.stdout).toBe('')
})

/** Whether a common option, or the value after it, is given by the test itself. */
function overridden(args: readonly string[], i: number): boolean {
  return args.includes(common[i - (i % 2)]!)
}
