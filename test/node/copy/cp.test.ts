import { spawnSync } from 'node:child_process'
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { noDocker, testEngine } from '../../support/docker.ts'
import { tempFolder } from '../../support/lease-market.ts'
import { type ServedLease, serveLease } from '../../support/served-lease.ts'

/** Commands on one lease; `L:` stands for its name. */
const commandsOn = (lease: ServedLease) => ({
  cp: (...args: string[]) =>
    lease.cli('cp', ...args.map((arg) => arg.replace(/^L:/, `${lease.id}:`))).ended,
  async inside(script: string): Promise<string> {
    const { out, err, code } = await lease.cli('exec', lease.id, '--', 'sh', '-c', script).ended
    expect({ err, code }).toEqual({ err: '', code: 0 })
    return out
  },
})

describe.skipIf(noDocker)('cp with a real container', { timeout: 180_000 }, () => {
  test('a tree with every kind of name goes in and out unchanged, and only once', async () => {
    await using lease = await serveLease(await testEngine(), 'busybox:1.37')
    const { cp, inside } = commandsOn(lease)
    const root = await tempFolder()
    const src = join(root, 'src')
    await mkdir(join(src, 'sub/deep'), { recursive: true })
    await mkdir(join(src, 'empty'))
    const long = 'n'.repeat(250)
    const names = ['-dash', 'new\nline', "it's", 'grüße', ' b ', '$(id)', '*', long, `sub/${long}`]
    for (const name of names) await writeFile(join(src, name), name)
    await writeFile(join(src, 'nothing'), '')
    await writeFile(join(src, 'sub/deep/run.sh'), 'exit 0')
    await chmod(join(src, 'sub/deep/run.sh'), 0o751)
    await chmod(join(src, 'sub/deep'), 0o555)
    await symlink('deep/run.sh', join(src, 'sub/link'))
    await symlink('gone', join(src, 'dangling'))
    await utimes(join(src, 'nothing'), 1_000_000_000, 1_000_000_000)
    spawnSync('mkfifo', [join(src, 'pipe')])

    const first = await cp(src, 'L:/data/tree', '--json')
    expect(first).toMatchObject({ err: '', code: 0 })
    expect(JSON.parse(first.out)).toMatchObject({
      ...{ files: names.length + 2, folders: 3, links: 2, unchanged: 0 },
      left: [{ path: 'pipe', why: 'a device, a pipe or a socket' }],
    })
    const shown = await inside(
      'cd /data/tree; ls -a | wc -l; cat ./-dash; stat -c %a-%U sub/deep sub/deep/run.sh; ' +
        'stat -c %Y nothing; readlink sub/link; readlink dangling; cat new*',
    )
    expect(shown).toBe(`14\n-dash555-root\n751-root\n1000000000\ndeep/run.sh\ngone\nnew\nline`)

    const again = await cp(src, 'L:/data/', '--json') // there, `src` is new
    expect(JSON.parse(again.out)).toMatchObject({ files: names.length + 2 })
    const third = await cp(`${src}/.`, 'L:/data/tree', '--json')
    expect(JSON.parse(third.out)).toMatchObject({ files: 0, bytes: 0, unchanged: names.length + 2 })

    await inside(
      'cd /data/tree; mkfifo pipe; ln -s /etc/passwd out; ln -s ../../x up; ln nothing twin',
    )
    const back = join(root, 'back')
    const out = await cp('L:/data/tree', back, '--json')
    expect(out).toMatchObject({ err: '', code: 0 })
    const result = JSON.parse(out.out) as { left: { path: string }[]; files: number }
    expect(result.left.map(({ path }) => path).sort()).toEqual(['out', 'pipe', 'up'])
    expect(result.files).toBe(names.length + 3)
    for (const name of names) expect(await readFile(join(back, name), 'utf8')).toBe(name)
    expect((await lstat(join(back, 'sub/deep/run.sh'))).mode & 0o7777).toBe(0o751)
    expect((await lstat(join(back, 'sub/deep'))).mode & 0o7777).toBe(0o555)
    expect((await lstat(join(back, 'nothing'))).mtimeMs).toBe(1_000_000_000_000)
    expect(await readlink(join(back, 'sub/link'))).toBe('deep/run.sh')
    expect(
      (await readdir(back, { recursive: true })).filter((name) => name.includes('.cn-')),
    ).toEqual([])
    const twice = await cp('L:/data/tree/.', back, '--json')
    expect(JSON.parse(twice.out)).toMatchObject({ files: 0, unchanged: names.length + 3 })
  })

  test('single files, streams, several sources, exclusions, users, and what goes wrong', async () => {
    await using lease = await serveLease(await testEngine(), 'busybox:1.37')
    const { cp, inside } = commandsOn(lease)
    const root = await tempFolder()
    const at = (name: string): string => join(root, name)
    await writeFile(at('a.txt'), 'a')
    await writeFile(at('b.txt'), 'b')
    await mkdir(at('src/skip'), { recursive: true })
    for (const name of ['x.py', 'x.pyc', 'skip/y', 'keep.pyc'])
      await writeFile(at(`src/${name}`), name)

    expect(await cp(at('a.txt'), at('b.txt'), 'L:/in/', '-q')).toMatchObject({
      out: '',
      err: '',
      code: 0,
    })
    expect(await cp(at('a.txt'), 'L:/in/c.txt')).toMatchObject({ err: '', code: 0 })
    const rules = ['--exclude', '*.pyc', '--exclude', '!keep.pyc', '--exclude', 'skip/']
    expect((await cp(at('src'), 'L:/in', '--user', 'nobody', ...rules)).code).toBe(1)
    await inside('chmod 777 /in')
    expect((await cp(at('src'), 'L:/in', '--user', 'nobody', ...rules)).err).toBe('')
    expect(await inside('cd /in; find . | sort; stat -c %U src/x.py; cat c.txt')).toBe(
      '.\n./a.txt\n./b.txt\n./c.txt\n./src\n./src/keep.pyc\n./src/x.py\nnobody\na',
    )
    expect(await cp('L:/in/a.txt', 'L:/in/b.txt', at('got/'))).toMatchObject({ err: '', code: 0 })
    expect((await readdir(at('got'))).sort()).toEqual(['a.txt', 'b.txt'])

    const feeding = lease.cli('cp', '-', `${lease.id}:/in/stream`)
    feeding.child.stdin!.end('from stdin')
    expect((await feeding.ended).code).toBe(0)
    expect(await cp('L:/in/stream', '-')).toMatchObject({ out: 'from stdin', err: '', code: 0 })
    const folder = await cp('L:/in', '-')
    expect(folder).toMatchObject({ out: '', code: 1 })
    expect(folder.err).toMatch(/is a directory\n {2}next: name a file in it/i)

    for (const [sources, file] of [
      [[at('a.txt'), at('b.txt')], 'L:/in/a.txt'],
      [['L:/in/a.txt', 'L:/in/b.txt'], at('a.txt')],
    ] as const) {
      const onto = await cp(...sources, file, '--json')
      expect(onto.code).toBe(1)
      const { error } = JSON.parse(onto.out)
      expect(error.message).toMatch(/^several sources go into a folder, and .*\/a\.txt is a file$/)
    }

    expect(await cp('L:/nowhere', at('n'))).toMatchObject({ code: 3 })
    await writeFile(at('big'), Buffer.alloc(20 * 1024 * 1024))
    await inside('echo old >/run/big') // a tmpfs of 16 MiB
    const full = await cp(at('big'), 'L:/run/big', '--json')
    expect(full.code).toBe(1)
    expect(JSON.parse(full.out)).toMatchObject({ error: { code: 'FAILED_LEASE_DISK' } })
    expect(await inside('cat /run/big')).toBe('old\n')
    expect((await cp(at('a.txt'), 'L:/run/big/x')).code).toBe(1)
    await truncate(at('big'), 101 * 1024 * 1024) // of 100 in the terms
    const over = await cp(at('big'), 'L:/in/over', '--json')
    expect(JSON.parse(over.out)).toMatchObject({
      error: { code: 'FAILED_LEASE_DISK', next: expect.stringContaining('--volume') },
    })
    expect(await inside('ls -A /in | grep -e over -e part || echo none')).toBe('none\n')
    // What is written already is not there to be had.
    await inside('head -c 40000000 /dev/zero >/in/used')
    const shown = async () => JSON.parse((await lease.cli('show', lease.id, '--json').ended).out)
    await vi.waitFor(async () => expect((await shown()).diskUsedMiB).toBeGreaterThanOrEqual(38), {
      timeout: 30_000,
      interval: 300,
    })
    await truncate(at('big'), 80 * 1024 * 1024)
    const beyond = await cp(at('big'), 'L:/in/over', '--json')
    expect(JSON.parse(beyond.out).error.message).toMatch(/^80 MiB .* may write \d+ MiB more/)
    await inside('rm /in/used')
    await truncate(at('big'), 0)
    expect((await cp(at('big'), 'L:/in')).code).toBe(0)
    expect(await inside('stat -c %s /in/big')).toBe('0\n')
  })
})
