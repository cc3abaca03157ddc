import { DRAND_URLS } from '../../chain/drand-servers.ts'
import { backendChoices } from '../../gpu/choose-backend.ts'
import { type EngineConfig, parseEngines } from '../engine-options.ts'
import { hostingOptions } from './hosting.ts'
import { limitOptions } from './limits.ts'
import { offerOptions } from './offer.ts'
import { flag, list, maybe, type Option, option } from './option.ts'
import { httpUrl, multiaddr } from './parse/addresses.ts'
import { oneOf, port, share, whole } from './parse/plain.ts'

/** Of a node. */
export const nodeOptions = {
  roles: list(
    'node',
    'What this node does',
    'ROLE',
    oneOf('miner', 'validator', 'renter', 'relay'),
    [],
    { flag: 'role' },
  ),
  listen: list('node', 'Address to listen on', 'ADDR', multiaddr, ['/ip4/0.0.0.0/tcp/4501']),
  announce: list('node', 'Address that others reach this node at', 'ADDR', multiaddr),
  engine: option(
    'node',
    'What runs containers; process is for local networks alone',
    'KIND',
    oneOf('auto', 'docker', 'process'),
    'auto',
  ),
  engines: {
    scope: 'node',
    describe: 'Docker Engine of several: {name, url, tls, gpus} (docs/containers.md)',
    placeholder: 'JSON',
    isList: true,
    isJson: true,
    default: [],
    parse: parseEngines,
  } as Option<readonly EngineConfig[]>,
  backend: option(
    'node',
    'What proves GPUs; auto takes what suits each, cpu counts on local networks alone',
    'NAME',
    oneOf(...backendChoices),
    'auto',
  ),
  devices: option(
    'node',
    'What to let; auto takes GPUs, else the processor; cpu is for local networks alone',
    'KIND',
    oneOf('auto', 'cpu'),
    'auto',
  ),
  subgroupMatrix: flag(
    'node',
    'Multiply with tensor cores of GPUs that WebGPU drives, where they are right: an experiment',
  ),
  ...offerOptions,
  ...hostingOptions,
  ...limitOptions,
  anchorEveryBlocks: option(
    'node',
    'How often to anchor the records of this node for its hotkey, in blocks; 0: never',
    'N',
    whole(0, 10_000_000),
    0,
  ),
  sampling: maybe(
    'node',
    'Share of openings to check without being drawn, 0 to 1 (default: 1)',
    'SHARE',
    share,
  ),
  drand: list(
    'node',
    'Server of the public beacon to ask; empty: none',
    'URL',
    httpUrl,
    DRAND_URLS,
    { defaultText: 'the public ones' },
  ),
  apiPort: maybe(
    'node',
    'Serve the control API on this port of 127.0.0.1 too (0 picks one)',
    'N',
    port,
  ),
} as const satisfies Readonly<Record<string, Option<unknown>>>
