import 'reflect-metadata'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey, PublicKey } from '@libp2p/interface'
import { encodeSignatureData } from '@libp2p/tls/utils'
import { Extension, X509CertificateGenerator } from '@peculiar/x509'
import { OctetString, Sequence } from 'asn1js'

export const DAY_MS = 86_400_000
const LIBP2P_EXTENSION = '1.3.6.1.4.1.53594.1.1'
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** What a certificate claims, and who really made it. */
export interface Claim {
  readonly claim: PublicKey
  readonly signer: PrivateKey
  readonly notBefore?: number
  readonly notAfter?: number
  readonly withoutExtension?: boolean
  /** An extension copied from elsewhere. */
  readonly extension?: ArrayBuffer
  /** Signed by another key than its own. */
  readonly foreignIssuer?: boolean
}

export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly extension: ArrayBuffer
}

/** A libp2p TLS certificate as an attacker could present it; an honest one when claim and signer are one key. */
export async function makeCertificate(claim: Claim): Promise<Certificate> {
  const keys = await newKeys()
  const spki = await crypto.subtle.exportKey('spki', keys.publicKey)
  const extension = claim.extension ?? (await signedExtension(claim, spki))
  const issuer = claim.foreignIssuer === true ? await newKeys() : keys
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: '1234567',
      subject: 'CN=x',
      issuer: 'CN=x',
      publicKey: keys.publicKey,
      signingKey: issuer.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(claim.notBefore ?? Date.now() - DAY_MS),
      notAfter: new Date(claim.notAfter ?? Date.now() + DAY_MS),
      extensions: claim.withoutExtension ? [] : [new Extension(LIBP2P_EXTENSION, true, extension)],
    },
    crypto,
  )
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { cert: certificate.toString('pem'), key: pem(pkcs8), extension }
}

const newKeys = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<CryptoKeyPair>

async function signedExtension({ claim, signer }: Claim, spki: ArrayBuffer): Promise<ArrayBuffer> {
  const signature = await signer.sign(encodeSignatureData(spki))
  const parts = [publicKeyToProtobuf(claim), signature]
  return new Sequence({
    value: parts.map((part) => new OctetString({ valueHex: new Uint8Array(part).buffer })),
  }).toBER()
}

const pem = (der: Buffer): string =>
  `-----BEGIN PRIVATE KEY-----\n${der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END PRIVATE KEY-----\n`
