import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Container, Engine } from '../../src/containers/engine.ts'
import { runProgram } from '../../src/containers/host-network.ts'
import {
  bringAttacks,
  buildAttacks,
  hostFolder,
  loosely,
  runHere,
  runIn,
  startUnconfined,
} from '../support/attacks.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'
import { createOutsideWorld, type OutsideWorld } from '../support/outside-world.ts'
import { requireOrSkip } from '../support/skips.ts'

/**
 * What a tenant tries from the inside of a lease that the product's own engine made. Each attack prints `yes` when it
 * worked, and is first seen to work where nothing holds it: on the host, in a container as Docker starts it by default
 * (`ordinary`), or in one with its confinement taken off (`loose`).
 */
const root =
  !noDocker && requireOrSkip(process.getuid?.() === 0, 'root (for the attacks on the network)')

describe.skipIf(noDocker)('from the inside of a lease', () => {
  let engine: Awaited<ReturnType<typeof testEngine>>
  let lease: Container
  let neighbour: Container
  let folder: Awaited<ReturnType<typeof hostFolder>>
  let mark: string
  let attacks: string | undefined
  const unconfined = { ordinary: '', loose: '' }

  const start = async (of: Engine): Promise<Container> => {
    const container = await of.create(smallSpec())
    await container.start()
    return container
  }
  beforeAll(async () => {
    folder = await hostFolder()
    mark = join(folder.path, 'mark')
    await writeFile(mark, 'a file of the host')
    attacks = buildAttacks(folder.path)
    engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    ;[lease, neighbour, unconfined.ordinary, unconfined.loose] = await Promise.all([
      start(engine),
      start(engine),
      startUnconfined(loosely.ordinary),
      startUnconfined(loosely.loose),
    ])
    if (attacks === undefined) return
    for (const id of [lease.id, ...Object.values(unconfined)]) await bringAttacks(id, attacks)
  })
  afterAll(async () => {
    for (const id of Object.values(unconfined)) await docker.getContainer(id).kill()
    await engine[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  test('capabilities, privileges, system calls: exactly what is promised', async () => {
    const status = await runIn(lease.id, 'cat /proc/self/status')
    const fact = (name: string): string =>
      new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? ''
    // chown dac_override fowner fsetid kill setgid setuid net_bind_service sys_chroot audit_write
    expect(BigInt(`0x${fact('CapEff')}`)).toBe(0x200404fbn)
    expect(BigInt(`0x${fact('CapBnd')}`)).toBe(0x200404fbn)
    expect([fact('NoNewPrivs'), fact('Seccomp')]).toEqual(['1', '2'])
  })

  test('no device but the harmless ones', async () => {
    const found = (await runIn(lease.id, 'find /dev -type b -o -type c')).split(/\s+/).toSorted()
    const harmless = /^\/dev\/(null|zero|full|random|urandom|tty|console|ptmx|pts\/(\d+|ptmx))$/
    expect(found.filter((path) => !harmless.test(path))).toEqual([])
  })

  /** `$MARK` is a file of the host, `$NODE` a process of it. */
  const shell: readonly (readonly [what: string, at: 'ordinary' | 'loose', script: string])[] = [
    ["Docker's socket", 'loose', '[ -S /var/run/docker.sock ] && echo yes'],
    [
      "the host's disk by way of its processes",
      'loose',
      '[ -e /proc/$NODE/root$MARK ] && echo yes',
    ],
    ["signals to the host's processes", 'loose', 'kill -0 $NODE && echo yes'],
    ['making a device', 'ordinary', 'mknod /tmp/disk b 7 0 && echo yes'],
    [
      'reading a device it made',
      'loose',
      'mknod /tmp/kmsg c 1 11; head -c 1 /tmp/kmsg | grep -q . && echo yes',
    ],
    [
      'mounting',
      'loose',
      'mkdir -p /tmp/m && mount -t tmpfs x /tmp/m && umount /tmp/m && echo yes',
    ],
    ["the kernel's log", 'loose', '[ -n "$(dmesg)" ] && echo yes'],
    ['where core dumps go', 'loose', ': >>/proc/sys/kernel/core_pattern && echo yes'],
    ['settings of memory', 'loose', ': >>/proc/sys/vm/panic_on_oom && echo yes'],
    ['settings of the network', 'loose', ': >>/proc/sys/net/ipv4/ip_forward && echo yes'],
    ['interrupts', 'loose', ': >>/proc/irq/default_smp_affinity && echo yes'],
    [
      'control groups: limits, and what the kernel runs when one empties',
      'loose',
      'mkdir -p /tmp/c; { mount -t cgroup -o memory c /tmp/c || mount -t cgroup2 c /tmp/c; } && : >>/tmp/c/cgroup.procs && umount /tmp/c && echo yes',
    ],
  ]
  test.each(shell)('%s', async (_, at, script) => {
    const whole = `MARK=${mark}; NODE=${process.pid}; { ${script}; } 2>/dev/null`
    expect(await runIn(unconfined[at], whole), 'nothing holds it').toBe('yes')
    expect(await runIn(lease.id, whole)).toBe('')
  })

  test('what is masked or read-only has no way in that opens', async () => {
    const script = `for f in /proc/sysrq-trigger /proc/kcore /proc/keys /proc/timer_list /proc/sys/kernel/modprobe /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max /sys/fs/cgroup/cgroup.procs /proc/bus /sys/firmware/x /sys/power/state /sys/kernel/uevent_helper; do
      { [ -f $f ] && : >>$f && echo $f; } 2>/dev/null; done; cat /proc/keys /proc/timer_list 2>/dev/null`
    expect(await runIn(lease.id, script)).toBe('')
  })

  const noCompiler = !requireOrSkip(
    runHere(
      'sh',
      '-c',
      'printf "int main(void){return 0;}" | gcc -static -x c -o /dev/null - && echo yes',
    ) === 'yes',
    'gcc with a static C library',
  )
  const calls: readonly (readonly [name: string, at: 'ordinary' | 'loose'])[] = [
    ['raw-ip', 'ordinary'],
    ['raw-frames', 'ordinary'],
    ['user-namespace', 'loose'],
    ['mount-namespace', 'loose'],
    ['join-namespace', 'loose'],
    ['trace', 'loose'],
    ['set-clock', 'loose'],
    ['load-module', 'loose'],
    ['load-bpf', 'loose'],
    ['restart', 'loose'],
    ['swap', 'loose'],
    ['by-handle', 'loose'],
  ]
  test.skipIf(noCompiler).each(calls)('system call: %s', async (name, at) => {
    expect(await runIn(unconfined[at], `/attacks ${name}`)).toBe('yes')
    expect(await runIn(lease.id, `/attacks ${name}`)).toBe('no: Operation not permitted')
  })

  test.skipIf(noCompiler)('a program that is setuid root stays who runs it', async () => {
    const script = `cp /attacks /tmp/root; chmod 4755 /tmp/root; su -s /bin/sh nobody -c '/tmp/root become-root'`
    expect(await runIn(unconfined.ordinary, script)).toBe('yes')
    expect(await runIn(lease.id, script)).toMatch(/^no/)
  })

  test.skipIf(noCompiler || !root)('leaving its root leads nowhere', async () => {
    expect(runHere(attacks!, 'leave-root', mark)).toBe('yes')
    expect(await runIn(lease.id, `/attacks leave-root ${mark}`)).toBe('no')
  })

  describe.skipIf(!root)('the network', () => {
    let server: Server
    let port: number
    let world: OutsideWorld
    const dial = (address: string, at: number): string =>
      `nc -w 2 ${address} ${at} </dev/null 2>/dev/null`
    beforeAll(async () => {
      server = createServer((socket) => socket.on('error', () => 0).end('reached\n'))
      await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
      port = (server.address() as AddressInfo).port
      world = await createOutsideWorld()
    })
    afterAll(async () => {
      server.close()
      await world[Symbol.asyncDispose]()
    })

    test('the host: no address of it answers', async () => {
      const own = Object.values(networkInterfaces())
        .flatMap((addresses) => addresses ?? [])
        .filter(({ family, internal }) => family === 'IPv4' && !internal)
        .map(({ address }) => address)
      const gateway = await runIn(
        lease.id,
        "ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p'",
      )
      expect(own).toContain(gateway)
      const all = own.map((address) => dial(address, port)).join('; ')
      expect((await runIn(unconfined.ordinary, all)).split(/\s+/)).toEqual(own.map(() => 'reached'))
      // All at once: each waits for two seconds in vain.
      const tries = await Promise.all(own.map((address) => runIn(lease.id, dial(address, port))))
      expect(tries).toEqual(own.map(() => ''))
    })

    test('the public network answers; private ones, metadata and mail do not', async () => {
      const { publicAddress, closedAddresses } = world
      const mail = [25, 465, 587].map((at) => dial(publicAddress, at))
      const closed = closedAddresses.map((address) => dial(address, 80))
      const datagram = `timeout 3 nslookup x.test ${closedAddresses[0]} 2>&1 | grep -q NXDOMAIN && echo reached`
      for (const attack of [...closed, ...mail, datagram]) {
        expect(await runIn(unconfined.ordinary, attack), attack).toBe('reached')
      }
      expect(await runIn(lease.id, dial(publicAddress, 80))).toBe('reached')
      const tries = await Promise.all(
        [...closed, ...mail, datagram].map((attack) => runIn(lease.id, attack)),
      )
      expect(tries).toEqual(tries.map(() => ''))
    })

    test('a neighbour: neither by its address nor by IPv6', async () => {
      const serve = 'while true; do nc -l -p 7000 -e echo reached; done >/dev/null 2>&1 &'
      const addressOf = (id: string): Promise<string> =>
        runIn(id, "ip -4 addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'")
      for (const id of [neighbour.id, unconfined.loose]) await runIn(id, serve)
      // Two containers as Docker starts them reach each other; and the neighbour does listen.
      const [theirs, next] = [await addressOf(unconfined.loose), await addressOf(neighbour.id)]
      // What listens is started anew after each that came: now and then nobody is there.
      const reaches = (dialled: () => Promise<string>): Promise<void> =>
        vi.waitFor(async () => expect((await dialled()).trim()).toBe('reached'), 20_000)
      await reaches(() => runIn(unconfined.ordinary, dial(theirs, 7000)))
      await reaches(() => runIn(neighbour.id, dial('127.0.0.1', 7000)))
      await reaches(() => text(connect(7000, next))) // the host does reach it
      for (let tries = 0; tries < 3; tries++) {
        expect(await runIn(lease.id, dial(next, 7000))).toBe('')
      }
      await reaches(() => text(connect(7000, next)))
      expect(await runIn(lease.id, 'cat /proc/sys/net/ipv6/conf/*/disable_ipv6')).toMatch(
        /^(1\s*)+$/,
      )
      expect(await runIn(lease.id, 'ip -6 addr')).toBe('')
    })

    test('names are asked of public resolvers alone', async () => {
      expect(await runIn(lease.id, "sed -n 's/^nameserver //p' /etc/resolv.conf")).toBe(
        '127.0.0.11',
      )
      const rules = ['1.1.1.1', '9.9.9.9', '0.0.0.0/0'].map((to) => [
        'PREROUTING',
        '-i',
        'cn-leases0',
        '-p',
        'udp',
        '--dport',
        '53',
        '-d',
        to,
      ])
      // Rules without a target count, and let pass.
      for (const rule of rules) await runProgram('iptables', ['-w', '-t', 'mangle', '-A', ...rule])
      try {
        await runIn(lease.id, 'timeout 6 nslookup example.com >/dev/null 2>&1')
        const shown = await runProgram('iptables', ['-w', '-t', 'mangle', '-nvxL', 'PREROUTING'])
        const packets = (to: string): number => {
          const rows = shown.split('\n').filter((row) => row.includes('cn-leases0'))
          const found = rows.find((row) => new RegExp(` ${to}\\s+udp`).test(row)) ?? ''
          return Number(/\d+/.exec(found)?.[0])
        }
        expect(packets('1.1.1.1')).toBeGreaterThan(0)
        expect(packets('0.0.0.0/0')).toBe(packets('1.1.1.1') + packets('9.9.9.9'))
      } finally {
        for (const rule of rules)
          await runProgram('iptables', ['-w', '-t', 'mangle', '-D', ...rule])
      }
    })
  })

  describe('bombs', () => {
    const answers = (): Promise<string> => runIn(neighbour.id, 'echo alive')

    test('processes: the limit holds, the neighbour answers, the lease can be ended', async () => {
      const bombed = await start(engine)
      const bomb = 'i=0; while [ $i -lt 700 ]; do sleep 60 >/dev/null & i=$((i+1)); done; echo all'
      expect(await runIn(bombed.id, `(${bomb}) 2>/dev/null`)).toBe('')
      const { processes } = await bombed.usage()
      expect(processes).toBeGreaterThan(300)
      expect(processes).toBeLessThanOrEqual(512)
      expect(await answers()).toBe('alive')
      await bombed.remove()
      expect(await bombed.status()).toBe('gone')
    })

    test('memory: what takes too much ends, and nothing else does', async () => {
      // tail keeps in memory what it is to print; shared memory counts too.
      const grow = (bytes: number): string =>
        `head -c ${bytes + 1} /dev/zero | tail -c ${bytes} | wc -c`
      expect(await runIn(lease.id, grow(10_000_000))).toBe('10000000')
      expect(await runIn(unconfined.ordinary, grow(90_000_000))).toBe('90000000')
      expect(await runIn(lease.id, grow(90_000_000))).not.toBe('90000000')
      const shared = await start(engine)
      const fill = 'head -c 100000000 /dev/zero >/dev/shm/file && echo full'
      expect(await runIn(shared.id, fill)).toBe('')
      await shared.remove()
      expect(await answers()).toBe('alive')
      expect(await lease.status()).toBe('running')
    })

    test('disk: what it wrote is measured; volumes that its image declares are memory', async () => {
      const image = 'cn-test-volume:1'
      const base = await docker.createContainer({ Image: 'busybox:1.37' })
      await base.commit({ repo: 'cn-test-volume', tag: '1', changes: 'VOLUME /data' })
      await base.remove()
      const type = "sed -n 's/^[^ ]* .data \\([a-z0-9]*\\) .*/\\1/p' /proc/mounts"
      const ordinary = await docker.createContainer({
        Image: image,
        Cmd: ['sleep', '60'],
        HostConfig: { AutoRemove: true, Init: true },
      })
      await ordinary.start()
      const writer = await engine.create({ ...smallSpec(), image })
      await writer.start()
      expect(await runIn(ordinary.id, type)).not.toBe('tmpfs') // a folder of the host
      expect(await runIn(writer.id, type)).toBe('tmpfs')
      await runIn(
        writer.id,
        'head -c 30000000 /dev/zero >/file; head -c 10000000 /dev/zero >/data/file',
      )
      const bytes = (await writer.diskBytes()) ?? 0
      expect(bytes).toBeGreaterThanOrEqual(30_000_000)
      expect(bytes).toBeLessThan(35_000_000)
      await ordinary.kill()
      await writer.remove()
      await docker.getImage(image).remove({ force: true })
    })
  })
})
