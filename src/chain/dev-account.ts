import { type Hotkey, keyFromSeed } from './keys.ts'

/** The published seed of `//Alice`, known to every Substrate developer. */
const ALICE_SEED = 'e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a'

/**
 * The account every embedded dev chain funds at genesis and takes `sudo` from. Its secret is public: it exists so that
 * a local market can pay for its registrations, and is worth nothing anywhere else.
 */
export const DEV_ACCOUNT: Hotkey = keyFromSeed('sr25519', Buffer.from(ALICE_SEED, 'hex'))
