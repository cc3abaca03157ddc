import { GiB, hoursMs, minutesMs } from '../../units.ts'
import { flag, list, maybe, type Option, option } from './option.ts'
import { price } from './parse/lease.ts'
import { duration, size } from './parse/measures.ts'
import { text, whole, word } from './parse/plain.ts'

/** Of a node: what leases may take of its machine. */
export const hostingOptions = {
  leaseMemoryBytes: maybe('node', 'Main memory of a lease, of however many devices', 'SIZE', size, {
    flag: 'lease-memory',
    defaultText: '7/8, shared by the devices',
  }),
  credit: option(
    'node',
    'How much service a renter may leave uncountersigned before its lease is paused',
    'TIME',
    duration,
    minutesMs(2),
    { defaultText: '2m' },
  ),
  grace: option(
    'node',
    'How long such a lease stays paused, with its disk, before it is closed',
    'TIME',
    duration,
    minutesMs(15),
    { defaultText: '15m' },
  ),
  maxDailyCost: maybe(
    'node',
    'The most that leases may cost in a day (UTC), what running ones can still cost included',
    'AMOUNT',
    price,
  ),
  leaseDiskBytes: option('node', 'Disk a lease may use', 'SIZE', size, 20 * GiB, {
    flag: 'lease-disk',
    defaultText: '20GiB',
  }),
  volumeTotal: option(
    'node',
    'Disk for what renters keep beyond their leases, all together; 0B: none',
    'SIZE',
    size,
    100 * GiB,
    { defaultText: '100GiB' },
  ),
  volumeShare: option('node', 'The same for one renter', 'SIZE', size, 20 * GiB, {
    defaultText: '20GiB',
  }),
  volumeCount: option('node', 'How many volumes one renter may keep', 'N', whole(0, 64), 4),
  volumeTtl: option(
    'node',
    'How long a volume is kept after its last lease',
    'TIME',
    duration,
    hoursMs(24 * 7),
    { defaultText: '7d' },
  ),
  maxSnapshot: option(
    'node',
    'Largest snapshot that a renter may take; 0B: none',
    'SIZE',
    size,
    64 * GiB,
    { defaultText: '64GiB' },
  ),
  runtime: maybe(
    'node',
    'What Docker runs leases with, e.g. runsc or sysbox-runc (default: runc)',
    'NAME',
    word,
  ),
  unfenced: flag(
    'node',
    'Host leases although no firewall keeps them from this machine and its networks',
  ),
  allowImages: list(
    'node',
    'Image that leases may run, e.g. docker.io/pytorch/*; all when none is given',
    'PATTERN',
    text,
    [],
    { flag: 'allow-image' },
  ),
  denyImages: list('node', 'Image that leases may not run', 'PATTERN', text, [], {
    flag: 'deny-image',
  }),
  maxImageBytes: option('node', 'Largest image that is pulled', 'SIZE', size, 40 * GiB, {
    flag: 'max-image',
    defaultText: '40GiB',
  }),
} as const satisfies Readonly<Record<string, Option<unknown>>>
