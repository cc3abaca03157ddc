import { z } from 'zod'
import { address, listOf } from './common.ts'
import { finding } from './gpus.ts'
import { route } from './route.ts'

/** By which scheme a key signs. */
export const keyType = z.enum(['sr25519', 'ed25519'])

/** One key of a wallet; nothing of what is secret in it. */
export const walletRow = z
  .strictObject({
    name: z.string(),
    key: z.enum(['coldkey', 'hotkey']),
    hotkey: z.string().nullable().describe('its name; null for a coldkey'),
    address: address.nullable().describe('null when its files do not tell'),
    keyType: keyType.nullable(),
    encrypted: z.boolean().nullable().describe('null when there is only its public part'),
  })
  .meta({ id: 'WalletKey', description: 'One key of a wallet' })
export type WalletRow = z.infer<typeof walletRow>

export const machineRoutes = {
  getDoctorReport: route({
    method: 'GET',
    path: '/v1/doctor',
    scope: 'read',
    kind: 'json',
    summary: "What the node's machine has of what its roles need, and what to do about the rest",
    description:
      'Looked at when it is asked for; who asks meanwhile gets the same report. Nothing is started or filled for it: what only a trial shows comes with `POST`.',
    answer: listOf(finding),
  }),
  runDoctor: route({
    method: 'POST',
    path: '/v1/doctor',
    scope: 'operate',
    kind: 'json',
    summary: 'The same with trials: devices are opened, and a miner overfills a container',
    description: 'Takes seconds; who asks meanwhile gets the same report.',
    answer: listOf(finding),
  }),
  listWallets: route({
    method: 'GET',
    path: '/v1/wallets',
    scope: 'operate',
    kind: 'json',
    summary: 'The keys of the wallets on this machine: names, schemes and addresses',
    answer: listOf(walletRow),
  }),
}
