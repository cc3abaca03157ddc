/** What outlives containers. An engine that cannot keep anything has none. */
export interface EngineVolumes {
  /**
   * Makes a volume be there, with `sizeMiB` of space where the storage can hold it to that; one that is there keeps
   * its content and its size. Call it before each container that mounts it.
   */
  ensure(volume: NewVolume): Promise<KeptVolume>
  /** Every volume this node made, also before it was restarted, by id. */
  list(): Promise<KeptVolume[]>
  /** How many bytes the files of each take; those that could not be measured are absent. */
  usedBytes(): Promise<ReadonlyMap<string, number>>
  /** Removes it with all that is in it. ENGINE_CONFLICT while a container has it; no error when it is gone already. */
  remove(id: string): Promise<void>
}

export interface NewVolume {
  /** 32 hex digits, chosen at random by whoever keeps the records. */
  readonly id: string
  readonly sizeMiB: number
}

export interface KeptVolume {
  readonly id: string
  /** Whether the storage itself ends its growth. */
  readonly enforced: boolean
}

/** Where a container sees a volume. */
export interface VolumeMount {
  readonly id: string
  readonly path: string
  readonly readOnly: boolean
}
