import { homedir } from 'node:os'
import { join } from 'node:path'
import { secondsMs } from '../../units.ts'
import { list, maybe, type Option, option } from './option.ts'
import { hex32, multiaddr, webSocketUrl } from './parse/addresses.ts'
import { duration } from './parse/measures.ts'
import { oneOf, text, whole } from './parse/plain.ts'

/** Everywhere: which market, and how to reach it. */
export const networkOptions = {
  network: option('network', 'Market to join', 'NAME', oneOf('local', 'test', 'finney'), 'finney'),
  netuid: option('network', 'Subnet number', 'N', whole(0, 65_535), 51),
  genesis: maybe('network', 'Genesis hash of a local network', 'HEX', hex32),
  bootstrap: list('network', 'Peer to join through', 'ADDR', multiaddr),
  chain: list(
    'network',
    'Chain node to ask; the next one when it does not answer or falls behind',
    'URL',
    webSocketUrl,
  ),
  peers: list(
    'network',
    'PeerId to admit on a local network; all others are refused',
    'PEER',
    text,
    [],
    { flag: 'peer' },
  ),
  gatherMs: option(
    'network',
    'How long a command without a running node listens before it answers',
    'TIME',
    duration,
    secondsMs(3),
    { flag: 'gather', defaultText: '3s' },
  ),
  walletName: option('network', 'Wallet (coldkey) to use', 'NAME', text, 'default', {
    flag: 'wallet.name',
  }),
  walletHotkey: option('network', 'Hotkey of the wallet', 'NAME', text, 'default', {
    flag: 'wallet.hotkey',
  }),
  walletPath: option(
    'network',
    'Folder of wallets, as btcli keeps them',
    'DIR',
    text,
    join(homedir(), '.bittensor', 'wallets'),
    { flag: 'wallet.path', isPath: true, defaultText: '~/.bittensor/wallets' },
  ),
} as const satisfies Readonly<Record<string, Option<unknown>>>
