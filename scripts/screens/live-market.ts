import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import type { Lease } from '../../src/api/leases.ts'
import { type ControlClient, createControlClient } from '../../src/node/control/client.ts'
import type { Node } from '../../src/node/devnet/market.ts'
import { type ConsoleMarket, startConsoleMarket } from '../../test/support/console-market.ts'
import { PHONE, type Screen, take, WIDE } from './take.ts'

/** What the lease runs: it prints, it writes, it computes. */
const SCRIPT = `mkdir -p /srv/run/out; cd /srv/run; i=0
while [ $i -lt 9999 ]; do i=$((i+1)); echo "epoch $i loss 0.$((9999/(i+9)))"
dd if=/dev/urandom of=out/checkpoint-$((i%4)).bin bs=64k count=$((4+i%9)) 2>/dev/null; sleep 1; done`
const TYPED = 'uname -sm; df -h /srv | tail -1; ls -lh /srv/run/out'
const WAIT_MS = 180_000

/** Pictures of pages that show what happens in a node: a market of processes on this machine, with Docker. */
export async function takeLiveMarket(browser: Browser): Promise<void> {
  await using market = await startConsoleMarket({ miners: 2, validators: 2, engine: 'docker' })
  using renter = clientOf(market.renter)
  const offer = await firstOffer(renter)
  const wish = { query: `id=${offer}`, image: 'busybox:1.37', command: ['sh', '-c', SCRIPT] }
  const { id } = await renter.post<Lease>('/v1/leases', { ...wish, durationMs: 3_600_000 })
  await until(async () => (await renter.get<Lease>(`/v1/leases/${id}`)).state === 'ACTIVE')
  const [miner, validator] = [nodeOf(market, 'miner'), nodeOf(market, 'validator')]
  await judged(validator, miner)
  const ofRenter = (screen: Screen) => take(browser, () => market.link(), screen)
  for (const screen of leaseScreens(id)) await ofRenter(screen)
  const [another] = await offersOf(renter)
  if (another !== undefined) await ofRenter(rentScreen(another))
  for (const screen of nodeScreens('miner', 'light')) {
    await take(browser, () => market.link(miner), screen)
  }
  for (const screen of nodeScreens('validator', 'dark')) {
    await take(browser, () => market.link(validator), screen)
  }
  await ofRenter(plain('network', '/network', 'light'))
  await ofRenter(plain('settings', '/settings', 'dark'))
  await renter.post(`/v1/leases/${id}/stop`)
}

const leaseScreens = (id: string): readonly Screen[] => [
  {
    name: 'lease-terminal',
    path: `/leases/${id}/terminal`,
    theme: 'dark',
    size: WIDE,
    before: async (page) => {
      await prompted(page)
      await page.keyboard.type(`${TYPED}\n`)
      await delay(1500)
    },
  },
  {
    name: 'lease-usage',
    path: `/leases/${id}/usage`,
    theme: 'light',
    size: WIDE,
    before: () => delay(25_000), // charts begin when they are first looked at
  },
  {
    ...plain('lease-files', `/leases/${id}/files`, 'light'),
    before: async (page) => {
      await page.getByRole('textbox', { name: 'Folder' }).fill('/srv/run/out')
      await page.getByRole('textbox', { name: 'Folder' }).press('Enter')
      await page.getByText('checkpoint-0.bin').waitFor({ timeout: WAIT_MS })
    },
  },
  {
    ...plain('lease-logs', `/leases/${id}/logs`, 'dark'),
    before: async (page) => {
      await page
        .getByText(/epoch \d+ loss/)
        .first()
        .waitFor({ timeout: WAIT_MS })
      await delay(1000)
    },
  },
  { ...plain('lease-money-phone', `/leases/${id}/money`, 'light'), size: PHONE },
]

const rentScreen = (offer: string): Screen => plain('rent', `/rent/${offer}`, 'light')

const nodeScreens = (role: string, theme: Screen['theme']): readonly Screen[] => [
  plain(`node-${role}`, '/node', theme),
]

function plain(name: string, path: string, theme: Screen['theme']): Screen {
  return { name, path, theme, size: WIDE, before: () => delay(3000) }
}

async function prompted(page: Page): Promise<void> {
  await page.locator('.xterm-rows').waitFor()
  await until(async () => /[#$]/.test((await page.locator('.xterm-rows').textContent()) ?? ''))
  await page.locator('.xterm-helper-textarea').focus()
}

const clientOf = ({ ready }: Node): ControlClient => createControlClient(String(ready['control']))

const nodeOf = ({ nodes }: ConsoleMarket, role: string): Node =>
  nodes.find(({ member }) => member.role === role)!

const offersOf = async (client: ControlClient): Promise<string[]> =>
  (await client.get<{ items: { id: string }[] }>('/v1/offers')).items.map(({ id }) => id)

async function firstOffer(client: ControlClient): Promise<string> {
  await until(async () => (await offersOf(client)).length > 1)
  return (await offersOf(client))[0]!
}

/** A score to show takes some slots that a validator saw. */
async function judged(validator: Node, miner: Node): Promise<void> {
  using client = clientOf(validator)
  await until(async () => {
    const { items } = await client.get<{ items: { verdict?: string }[] }>(
      `/v1/attestations?peer=${miner.peerId}`,
    )
    return items.length >= 4
  })
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + WAIT_MS; Date.now() < endMs; await delay(200)) {
    if (await isSo().catch(() => false)) return
  }
  throw new Error('what the pictures should show did not come')
}
