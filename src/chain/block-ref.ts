/** A block by number and by its 32-byte hash in hex with 0x. */
export interface BlockRef {
  readonly number: number
  readonly hash: string
}
