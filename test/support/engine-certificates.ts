import 'reflect-metadata'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { TlsFiles } from '../../src/containers/docker-address.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

interface Pair {
  readonly name: string
  readonly keys: CryptoKeyPair
}

/** What a Docker Engine and its client need to know each other by, as files of one folder, made for this run alone. */
export interface EngineCertificates {
  readonly client: TlsFiles
  /** What the daemon is started with. */
  readonly daemonArgs: readonly string[]
}

/** An authority, an engine at `address`, and a client; the engine takes no other client's word. */
export async function makeEngineCertificates(
  folder: string,
  address: string,
): Promise<EngineCertificates> {
  await mkdir(folder, { recursive: true })
  const at = (name: string): string => join(folder, `${name}.pem`)
  const authority = { name: 'CN=test authority', keys: await newKeys() }
  await issue(at('ca'), authority, authority, [new BasicConstraintsExtension(true, 1, true)])
  for (const [file, usage] of [
    ['server', ExtendedKeyUsage.serverAuth],
    ['client', ExtendedKeyUsage.clientAuth],
  ] as const) {
    const one = { name: `CN=${file}`, keys: await newKeys() }
    await issue(at(file), one, authority, [
      new ExtendedKeyUsageExtension([usage]),
      new SubjectAlternativeNameExtension([{ type: 'ip', value: address }]),
    ])
    await writeKey(at(`${file}-key`), one.keys.privateKey)
  }
  return {
    client: { ca: at('ca'), cert: at('client'), key: at('client-key') },
    daemonArgs: [
      '--tlsverify',
      ...['--tlscacert', at('ca'), '--tlscert', at('server'), '--tlskey', at('server-key')],
    ],
  }
}

const newKeys = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<CryptoKeyPair>

let serial = 1
async function issue(
  path: string,
  subject: Pair,
  issuer: Pair,
  extensions: Extension[],
): Promise<void> {
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: String(serial++).padStart(2, '0'),
      subject: subject.name,
      issuer: issuer.name,
      publicKey: subject.keys.publicKey,
      signingKey: issuer.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      extensions,
    },
    crypto,
  )
  await writeFile(path, certificate.toString('pem'))
}

async function writeKey(path: string, key: CryptoKey): Promise<void> {
  const base64 = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64')
  const lines = base64.match(/.{1,64}/g)!.join('\n')
  const text = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`
  await writeFile(path, text, { mode: 0o600 })
}
