import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { WishBody } from '../../api/leases.ts'
import { DOCKER_HUB, parseImageName } from '../../containers/image-name.ts'
import { NodeError } from '../../errors.ts'
import { reasonOf } from '../config.ts'
import type { Terminal } from './command.ts'

type Login = NonNullable<WishBody['registryAuth']>

const HELPER_MS = 15_000

/**
 * A login at an image's registry: from standard input (`-`), from what `docker login` kept (`docker`), or from a file.
 * The text is `NAME:PASSWORD`, JSON with username and password, or a Docker configuration. Never an argument: those
 * every user of the machine can read.
 * @throws BAD_CONFIG_REGISTRY_AUTH, which never quotes what was read
 */
export async function readRegistryAuth(
  source: string,
  image: string | undefined,
  stdin: Terminal['stdin'],
): Promise<Login> {
  if (image === undefined) throw fault('--registry-auth goes with --image')
  const { registry } = parseImageName(image)
  const content = source === '-' ? await text(stdin) : await contentOf(source)
  return loginIn(content, registry)
}

async function contentOf(source: string): Promise<string> {
  const folder = process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker')
  const path = source === 'docker' ? join(folder, 'config.json') : source
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw fault(`cannot read ${path}: ${reasonOf(error)}`)
  }
}

/** Finds the login of a registry in the text of one of the three forms. */
export async function loginIn(content: string, registry: string): Promise<Login> {
  const trimmed = content.trim()
  if (!trimmed.startsWith('{')) return pair(trimmed)
  const value = parsedObject(trimmed)
  const { username, password, identitytoken } = value
  if (typeof identitytoken === 'string') return { identitytoken }
  if (typeof username === 'string' && typeof password === 'string') return { username, password }
  return dockerLogin(value as DockerConfig, registry)
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { auth?: string; identitytoken?: string }>>
  readonly credsStore?: string
  readonly credHelpers?: Readonly<Record<string, string>>
}

/** Docker Hub has a name of its own there. */
const namesOf = (registry: string): string[] =>
  registry === DOCKER_HUB
    ? ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io']
    : [registry, `https://${registry}`, `https://${registry}/`]

async function dockerLogin(config: DockerConfig, registry: string): Promise<Login> {
  for (const name of namesOf(registry)) {
    const { auth, identitytoken } = config.auths?.[name] ?? {}
    if (identitytoken !== undefined && identitytoken !== '') return { identitytoken }
    if (auth !== undefined && auth !== '') return pair(Buffer.from(auth, 'base64').toString())
  }
  for (const name of namesOf(registry)) {
    const helper = config.credHelpers?.[name] ?? config.credsStore
    const login = helper === undefined ? undefined : await askHelper(helper, name)
    if (login !== undefined) return login
  }
  throw fault(`there is no login for ${registry}`)
}

/** Docker's credential helpers keep logins in the system's keyring; undefined where one knows none. */
function askHelper(helper: string, server: string): Promise<Login | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: HELPER_MS }
    const child = execFile(`docker-credential-${helper}`, ['get'], options, (error, stdout) => {
      if (error !== null) return resolve(undefined)
      const { Username, Secret } = parsedObject(stdout)
      if (typeof Username !== 'string' || typeof Secret !== 'string') return resolve(undefined)
      resolve(
        Username === '<token>'
          ? { identitytoken: Secret }
          : { username: Username, password: Secret },
      )
    })
    child.stdin?.on('error', () => undefined) // its exit says why
    child.stdin?.end(server)
  })
}

function pair(content: string): Login {
  const [, username, password] = /^([^:\s]+):(\S+)$/.exec(content) ?? []
  if (username !== undefined && password !== undefined) return { username, password }
  throw fault('the login is neither NAME:PASSWORD nor JSON')
}

function parsedObject(content: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // said below, without the parser's words: they would quote a password
  }
  throw fault('the login is no JSON object')
}

const fault = (message: string): NodeError =>
  new NodeError('BAD_CONFIG_REGISTRY_AUTH', message, {
    next: 'echo NAME:PASSWORD | compute-node rent --image IMAGE --registry-auth -',
  })
