/** `key` of a column; descending puts the largest first. */
export interface Sorting {
  readonly key: string
  readonly descending: boolean
}
