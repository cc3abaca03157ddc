import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFence } from '../../src/containers/fence.ts'
import { createFirewall } from '../../src/containers/firewall.ts'
import { type HostNetwork, runProgram } from '../../src/containers/host-network.ts'
import { bridgeOf } from '../../src/containers/lease-network.ts'
import { silent } from '../../src/log.ts'
import { requireOrSkip } from '../support/skips.ts'

const tool = (name: string) =>
  runProgram(name, ['-V']).then(
    () => true,
    () => false,
  )
const able = process.getuid?.() === 0 && (await tool('ip')) && (await tool('iptables'))
const unable = !requireOrSkip(able, 'root with ip and iptables (for a network namespace)')

/** A network of its own with a bridge, as an engine has it: nothing here touches this machine's rules. */
const name = `cn-${createHash('sha256').update(String(process.pid)).digest('hex').slice(0, 8)}`
const inside = (program: string, args: readonly string[], input?: string): Promise<string> =>
  runProgram('nsenter', [`--net=/run/netns/${name}`, program, ...args], input)
const network: HostNetwork = {
  run: inside,
  readSetting: async (setting) =>
    (await inside('cat', [`/proc/sys/net/${setting}`]).catch(() => undefined))?.trim(),
  writeSetting: async (setting, value) =>
    void (await inside('sh', ['-c', `echo ${value} > /proc/sys/net/${setting}`])),
}
const BRIDGE = 'cn-test0'
const rules = (): Promise<string> => inside('iptables', ['-S'])

describe.skipIf(unable)('the firewall', () => {
  beforeAll(async () => {
    await runProgram('ip', ['netns', 'add', name])
    await inside('ip', ['link', 'add', BRIDGE, 'type', 'bridge'])
    for (const rule of [
      '-N DOCKER-USER',
      '-A FORWARD -j DOCKER-USER',
      '-A DOCKER-USER -j RETURN',
    ]) {
      await inside('iptables', rule.split(' '))
    }
    // What only an engine sets up is played where the namespace has no such setting.
    const filtered = await network.readSetting('bridge/bridge-nf-call-iptables')
    if (filtered !== '1') await network.writeSetting('bridge/bridge-nf-call-iptables', '1')
  })
  afterAll(() => runProgram('ip', ['netns', 'del', name]))

  test('is set, stands, and is restored whatever somebody does to it', async () => {
    const firewall = createFirewall(BRIDGE, network)
    expect(await firewall.ensure()).toBe('set')
    const whole = await rules()
    expect(await firewall.ensure()).toBe('stands')
    const attacks = [
      ['-F'],
      ['-F', 'CN-EGRESS'],
      ['-D', 'INPUT', '-i', BRIDGE, '-j', 'CN-HOST'],
      ['-I', 'CN-HOST', '1', '-j', 'ACCEPT'],
      ['-D', 'CN-EGRESS', '-o', BRIDGE, '-j', 'DROP'],
    ]
    for (const attack of attacks) {
      await inside('iptables', attack)
      expect(await firewall.ensure(), attack.join(' ')).toBe('restored')
    }
    const after = await rules()
    for (const row of whole.split('\n').filter((one) => /CN-(EGRESS|HOST)/.test(one))) {
      expect(after).toContain(row)
    }
    expect(await firewall.ensure()).toBe('stands')
  })

  test('comes before what others put in front of it', async () => {
    const firewall = createFirewall(BRIDGE, network)
    await firewall.ensure()
    await inside('iptables', ['-I', 'INPUT', '1', '-p', 'tcp', '--dport', '22', '-j', 'ACCEPT'])
    expect(await firewall.ensure()).toBe('restored')
    const input = (await rules()).split('\n').filter((row) => row.startsWith('-A INPUT'))
    expect(input).toEqual([
      `-A INPUT -i ${BRIDGE} -j CN-HOST`,
      '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
    ])
  })

  test('IPv6 on the bridge, and frames between its ports that nobody filters, are put right', async () => {
    const firewall = createFirewall(BRIDGE, network)
    await firewall.ensure()
    const settings = [`ipv6/conf/${BRIDGE}/disable_ipv6`, 'bridge/bridge-nf-call-iptables']
    for (const setting of settings) {
      await network.writeSetting(setting, '0')
      expect(await firewall.ensure(), setting).toBe('restored')
      expect(await network.readSetting(setting)).toBe('1')
    }
  })

  test('another node of the same machine sets the same', async () => {
    const [one, other] = [createFirewall(BRIDGE, network), createFirewall(BRIDGE, network)]
    await Promise.all([one.ensure(), other.ensure()])
    expect([await one.ensure(), await other.ensure()]).toEqual(['stands', 'stands'])
  })

  test('where it cannot be set leases are refused, unless the owner accepts that', async () => {
    const denied: HostNetwork = {
      ...network,
      run: () => Promise.reject(new Error('Permission denied (you must be root)')),
    }
    const firewall = createFirewall(BRIDGE, denied)
    const strict = createFence({ log: silent, unfenced: false, firewall })
    await expect(strict.ensure()).rejects.toMatchObject({
      code: 'ENGINE_FIREWALL',
      message: expect.stringContaining('Permission denied'),
      next: expect.stringContaining('--unfenced'),
    })
    const accepted = createFence({ log: silent, unfenced: true, firewall })
    await accepted.ensure()
    expect([strict.stands, accepted.stands]).toEqual([false, false])
  })
})

test.each([
  ['on another machine', 'tcp://10.0.0.2:2376', /another machine.*10\.0\.0\.2/],
  ['whose bridge is not in this network', 'unix:///run/other.sock', /bridge in another network/],
])('an engine %s is not fenced, unless its owner does that himself', async (_, url, says) => {
  // What would be set, on a bridge that is not here, would keep nobody in.
  const firewall = { ensure: async () => 'set' as const }
  const options = { log: silent, url, bridge: bridgeOf(url), firewall }
  const strict = createFence({ ...options, unfenced: false })
  await expect(strict.ensure()).rejects.toMatchObject({
    code: 'ENGINE_FIREWALL',
    message: expect.stringMatching(says),
    next: expect.stringMatching(/cn-e[0-9a-f]{8} there .*fencedByOwner/),
  })
  const accepted = createFence({ ...options, unfenced: true })
  await accepted.ensure()
  expect([strict.stands, accepted.stands]).toEqual([false, false])
})
