import { hoursMs } from '../../units.ts'
import { MAX_WAITING } from '../leases/policy.ts'
import { list, maybe, type Option, option } from './option.ts'
import { peerOr, price } from './parse/lease.ts'
import { duration } from './parse/measures.ts'
import { orOff, percent, whole } from './parse/plain.ts'

/** Of a node: what a miner asks for its machine, and of whom. */
export const offerOptions = {
  price: maybe('node', 'Price per hour for the whole offer, e.g. 1.25', 'PRICE', price),
  exclusivePrice: maybe(
    'node',
    'Price per hour for the whole offer while its GPUs prove nothing and so earn nothing',
    'PRICE',
    price,
  ),
  allowRenter: list(
    'node',
    'PeerId that may rent here; nobody else then, or anyone',
    'PEER',
    peerOr('anyone'),
    [],
    { defaultText: 'anyone' },
  ),
  denyRenter: list(
    'node',
    'PeerId that may not rent here, or nobody',
    'PEER',
    peerOr('nobody'),
    [],
    {
      defaultText: 'nobody',
    },
  ),
  minLease: maybe('node', 'Shortest lease to host, or off', 'TIME', orOff(duration)),
  maxLease: maybe('node', 'Longest lease to host, or off', 'TIME', orOff(duration)),
  maxPerRenter: maybe(
    'node',
    'Leases that one renter may have here at once, or off',
    'N',
    orOff(whole(1, 1000)),
  ),
  maxWaiting: option(
    'node',
    'Requests that may wait for devices that are let; 0: no queue',
    'N',
    whole(0, 1000),
    MAX_WAITING,
  ),
  priceFloor: maybe(
    'node',
    'Lowest price per hour for the whole offer, or off',
    'PRICE',
    orOff(price),
  ),
  priceCeiling: maybe(
    'node',
    'Highest price per hour for the whole offer, or off',
    'PRICE',
    orOff(price),
  ),
  priceStep: maybe(
    'node',
    'Raise the price by so many percent when the devices were let, lower it when not, or off',
    'PERCENT',
    orOff(percent),
  ),
  priceWindow: option('node', 'Time over which that is looked at', 'TIME', duration, hoursMs(1), {
    defaultText: '1h',
  }),
} as const satisfies Readonly<Record<string, Option<unknown>>>
