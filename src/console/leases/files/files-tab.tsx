import { useQueryClient } from '@tanstack/react-query'
import { File as FileIcon, Folder, FolderUp, Link2, RefreshCw, Upload } from 'lucide-react'
import { type DragEvent, type SyntheticEvent, useRef, useState } from 'react'
import type { LeaseDirectory } from '../../../api/lease-files.ts'
import type { Lease } from '../../../api/leases.ts'
import { useNode } from '../../app/node-data.tsx'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { bytesText, momentText } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { SkeletonRows } from '../../ui/skeleton.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { leasePath } from '../use-leases.ts'
import { inFolder, parentOf } from './paths.ts'
import { TransferList } from './transfer-list.tsx'
import { download, downloadByBrowser, MOST_HELD_BYTES, upload } from './transfers.ts'
import { useTransfers } from './use-transfers.ts'
import './files.css'

type Entry = LeaseDirectory['items'][number]

/** What lies in the container: looked through, taken out and put in, each file checked by its SHA-256. */
export function FilesTab({ lease }: { lease: Lease }) {
  const [wanted, setWanted] = useState('.')
  const address = `${leasePath(lease.id, '/directory')}?${new URLSearchParams({ path: wanted })}`
  const { data, error, isPending, refetch } = useNode<LeaseDirectory>(address)
  const transfers = useTransfers()
  const client = useQueryClient()
  const [isOver, setOver] = useState(false)
  const chooser = useRef<HTMLInputElement>(null)
  const here = data?.path ?? wanted
  const send = async (files: Iterable<File>): Promise<void> => {
    // One after the other: the way to a miner is one, and a queue shows what comes next.
    for (const file of files) {
      const path = inFolder(here, file.name)
      await transfers.start({ way: 'up', name: file.name, totalBytes: file.size }, (tell, signal) =>
        upload(lease.id, path, file, tell, signal),
      )
      await client.invalidateQueries({ queryKey: [address] })
    }
  }
  const take = (entry: Entry): void => {
    const path = inFolder(here, entry.name)
    if (entry.kind === 'folder') downloadByBrowser(lease.id, path, `${entry.name}.tar`)
    else if (entry.bytes > MOST_HELD_BYTES) downloadByBrowser(lease.id, path, entry.name)
    else {
      void transfers.start(
        { way: 'down', name: entry.name, totalBytes: entry.bytes },
        (tell, signal) => download(lease.id, path, entry.name, tell, signal),
      )
    }
  }
  const onDrop = (event: DragEvent): void => {
    event.preventDefault()
    setOver(false)
    void send([...event.dataTransfer.files])
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be dropped anywhere in it; Upload does the same
    <div
      className={`files${isOver ? ' files-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={(event) =>
        event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(false)
      }
      onDrop={onDrop}
    >
      <div className="files-bar">
        <Button
          kind="quiet"
          icon={<FolderUp aria-hidden="true" />}
          label="The folder above"
          isDisabled={here === '/'}
          onPress={() => setWanted(parentOf(here))}
        />
        <PathField key={here} path={here} onGo={setWanted} />
        <Button
          kind="quiet"
          icon={<RefreshCw aria-hidden="true" />}
          label="Look again"
          onPress={() => void refetch()}
        />
        <Button
          kind="primary"
          icon={<Upload aria-hidden="true" />}
          onPress={() => chooser.current?.click()}
        >
          Upload
        </Button>
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-label="Files to upload"
          onChange={({ target }) => {
            void send([...(target.files ?? [])])
            target.value = ''
          }}
        />
      </div>
      {isPending ? <SkeletonRows rows={6} label="Looking into the folder" /> : null}
      {error === null || data !== undefined ? null : (
        <Problem error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined ? null : (
        <Table
          label={`Files in ${here}`}
          fills
          columns={columnsWith(take)}
          rows={data.items.toSorted(byKind)}
          rowKey={({ name }) => name}
          onOpen={(entry) => {
            if (entry.kind === 'folder' || entry.kind === 'link')
              setWanted(inFolder(here, entry.name))
            else take(entry)
          }}
          narrow={(entry) => (
            <span className="lease-narrow">
              <EntryName entry={entry} />
              <span className="soft">
                {entry.kind === 'folder' ? 'folder' : bytesText(entry.bytes)}
                <span>{momentText(entry.changedAtMs)}</span>
              </span>
            </span>
          )}
          empty={
            <EmptyState icon={<Folder aria-hidden="true" />} title="The folder is empty">
              Drop files here to put them into it.
            </EmptyState>
          }
        />
      )}
      {(data?.hidden ?? 0) > 0 ? (
        <p className="files-hidden">{data?.hidden} more are not shown</p>
      ) : null}
      <p className="files-drop" aria-hidden="true">
        Drop to upload into {here}
      </p>
      <TransferList transfers={transfers} />
    </div>
  )
}

const byKind = (a: Entry, b: Entry): number =>
  Number(b.kind === 'folder') - Number(a.kind === 'folder') || a.name.localeCompare(b.name)

const columnsWith = (take: (entry: Entry) => void): readonly Column<Entry>[] => [
  {
    key: 'name',
    title: 'Name',
    width: 'minmax(180px, 3fr)',
    cell: (entry) => <EntryName entry={entry} />,
  },
  {
    key: 'bytes',
    title: 'Size',
    width: '96px',
    align: 'right',
    cell: ({ kind, bytes }) => (kind === 'file' ? bytesText(bytes) : ''),
  },
  {
    key: 'mode',
    title: 'Mode',
    width: '72px',
    align: 'right',
    cell: ({ mode }) => <code>{mode.toString(8).padStart(4, '0')}</code>,
  },
  {
    key: 'at',
    title: 'Changed',
    width: 'minmax(150px, 1fr)',
    cell: ({ changedAtMs }) => momentText(changedAtMs),
  },
  {
    key: 'take',
    title: '',
    width: '96px',
    align: 'right',
    cell: (entry) =>
      entry.kind === 'file' || entry.kind === 'folder' ? (
        <button
          type="button"
          className="files-take"
          onClick={(event) => {
            event.stopPropagation()
            take(entry)
          }}
          aria-label={`Download ${entry.name}`}
        >
          Download
        </button>
      ) : null,
  },
]

function EntryName({ entry }: { entry: Entry }) {
  const Icon = entry.kind === 'folder' ? Folder : entry.kind === 'link' ? Link2 : FileIcon
  return (
    <span className={`files-name files-${entry.kind}`}>
      <Icon aria-hidden="true" />
      {entry.name}
      {entry.target === undefined ? null : <span className="faint"> → {entry.target}</span>}
    </span>
  )
}

function PathField({ path, onGo }: { path: string; onGo: (path: string) => void }) {
  const [text, setText] = useState(path)
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (text.trim() !== '') onGo(text.trim())
  }
  return (
    <form className="files-path" onSubmit={submit}>
      <input
        className="mono"
        aria-label="Folder"
        value={text}
        spellCheck={false}
        onChange={({ target }) => setText(target.value)}
      />
    </form>
  )
}
