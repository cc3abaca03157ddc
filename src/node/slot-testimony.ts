import {
  type Report,
  type ReportCommit,
  reportHash,
  type Verdicts,
} from '../protocols/attestations.ts'
import type { Network } from '../protocols/network.ts'
import { recordTypes, type Signed } from '../protocols/signed.ts'

/** What one validator testified in one slot; a report counts only when an earlier commit binds it. */
export interface Testimony {
  /** PeerId. */
  readonly validator: string
  readonly report: Report | undefined
  /** Why a report of it does not count: no commit binds it, or one that came too late. */
  readonly unbound?: 'UNCOMMITTED' | 'LATE_COMMIT'
  readonly verdicts: Verdicts | undefined
  /** Ids of the records that hold the verdicts. */
  readonly verdictIds: readonly Uint8Array[]
  /** It signed two different things under one place: nothing it said of the slot counts. */
  readonly equivocated: boolean
}

export interface SlotTestimony {
  readonly slot: number
  readonly testimony: readonly Testimony[]
}

/** What a record of testimony holds. */
export type Payload = ReportCommit | Report | Verdicts

/** One record of a validator's. */
export interface Said {
  readonly type: number
  readonly slot: number
  readonly chunk: number
  readonly validator: string
  readonly record: Signed<Payload>
  /** It came after its deadline while this node was listening. */
  readonly late: boolean
}

/** All records of a slot as testimony; `liars` are `slot/validator` of those that contradicted themselves. */
export function slotTestimony(
  slot: number,
  all: readonly Said[],
  net: Network,
  liars: ReadonlySet<string>,
): SlotTestimony {
  const byValidator = Map.groupBy(all, ({ validator }) => validator)
  const testimony = [...byValidator].map(([validator, said]) => ({
    validator,
    report: merged(said, recordTypes.report, (item) => bindingFault(item, said, net) === null),
    ...unboundOf(said, net),
    verdicts: merged(said, recordTypes.verdict, () => true),
    verdictIds: said
      .filter(({ type }) => type === recordTypes.verdict)
      .map(({ record }) => record.id),
    equivocated: liars.has(`${slot}/${validator}`),
  }))
  return { slot, testimony: testimony as Testimony[] }
}

/** All chunks of one kind as one, in order; undefined when there is none. */
function merged(
  said: readonly Said[],
  type: number,
  counts: (item: Said) => boolean,
): Report | Verdicts | undefined {
  const chunks = said
    .filter((item) => item.type === type && counts(item))
    .toSorted((a, b) => a.chunk - b.chunk)
    .map((item) => item.record.payload as Report | Verdicts)
  const first = chunks[0]
  if (first === undefined) return undefined
  return { ...first, rows: chunks.flatMap(({ rows }) => rows as never[]) } as Report | Verdicts
}

/** Why no commit that came in time binds this report, or null when one does. */
function bindingFault(
  report: Said,
  said: readonly Said[],
  net: Network,
): NonNullable<Testimony['unbound']> | null {
  const commit = said.find(
    (item) => item.type === recordTypes.reportCommit && item.chunk === report.chunk,
  )
  if (commit === undefined) return 'UNCOMMITTED'
  if (commit.late) return 'LATE_COMMIT'
  const { publicKey, payload } = report.record
  const { hash } = commit.record.payload as ReportCommit
  const isBound = Buffer.compare(hash, reportHash(net, publicKey, payload as Report)) === 0
  return isBound ? null : 'UNCOMMITTED'
}

/** The first reason why a chunk of a report does not count. */
function unboundOf(said: readonly Said[], net: Network): Pick<Testimony, 'unbound'> {
  const reports = said.filter(({ type }) => type === recordTypes.report)
  const [unbound] = reports.flatMap((report) => bindingFault(report, said, net) ?? [])
  return unbound === undefined ? {} : { unbound }
}
