import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { runCli } from '../../../src/node/cli.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { localNode, TEST_GENESIS } from '../../support/local-node.ts'

/** Runs a command for the node of a data folder, in this process. */
async function cli(dataDir: string, ...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const network = ['--network', 'local', '--genesis', TEST_GENESIS, '--data-dir', dataDir]
  const { signal } = new AbortController()
  const terminal = { stdin, stdout, stderr }
  const exitCode = await runCli([...argv, ...network], { terminal, env: {}, signal })
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

test('a token by commands: made, listed without its secret, used, and revoked', async () => {
  await using node = await localNode({ roles: ['renter'], apiPort: 0 })
  const { apiUrl } = node.control
  const { dataDir } = node.parts.core.config
  const run = (...argv: string[]) => cli(dataDir, ...argv)
  const status = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${apiUrl}/v1/status`, { headers })).status
  }
  const printed = await run('token', 'create', 'ci', '--scope', 'read', '--ttl', '1h')
  expect(printed).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('scope read') })
  const token = printed.stdout.trim()
  expect(await status(token)).toBe(200)

  const made = JSON.parse((await run('token', 'create', 'ops', '--json')).stdout)
  expect(outputSchemas['token create']!.schema.safeParse(made).error).toBeUndefined()
  const list = await run('token', 'list', '--json')
  const { items } = JSON.parse(list.stdout)
  expect(outputSchemas['token list']!.schema.safeParse({ items }).error).toBeUndefined()
  expect(items.map(({ label }: { label: string }) => label).toSorted()).toEqual(['ci', 'ops'])
  for (const secret of [token, made.token]) expect(list.stdout).not.toContain(secret)
  expect((await run('token', 'list')).stdout).toMatch(/^ID +LABEL +SCOPE/)

  const { id } = items.find(({ label }: { label: string }) => label === 'ci')
  expect(await run('token', 'revoke', id)).toMatchObject({ stdout: 'ci is revoked\n' })
  expect(await status(token)).toBe(401)
  expect(await status(made.token)).toBe(200)
  const again = await run('token', 'revoke', id)
  expect(again).toMatchObject({ exitCode: 3, stdout: '' })
  expect(again.stderr).toContain(`compute-node token list --data-dir ${dataDir}`)
})
