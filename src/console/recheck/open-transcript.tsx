import { FileCheck } from 'lucide-react'
import { lazy, Suspense, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Section } from '../ui/page.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import './open-transcript.css'

/** Loaded with the first file, and the verifier with it. */
const Recheck = lazy(async () => {
  const { RecheckFile } = await import('./recheck.tsx')
  return { default: RecheckFile }
})

/** A proof from a file of this computer's, dropped or chosen, is checked in this page: no node has a part in it. */
export function OpenTranscript() {
  const [given, setGiven] = useState<{ readonly file: File; readonly nth: number }>()
  const [isOver, setOver] = useState(false)
  const chooser = useRef<HTMLInputElement>(null)
  const take = (files: FileList | null): void => {
    const file = files?.[0]
    if (file !== undefined) setGiven((before) => ({ file, nth: (before?.nth ?? 0) + 1 }))
  }
  return (
    <Section title="Check a proof">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a file can be dropped into it; the button does the same */}
      <div
        className={`open-transcript${isOver ? ' open-transcript-over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setOver(false)
          take(event.dataTransfer.files)
        }}
      >
        <p className="soft">
          Drop a transcript here. It is checked in this browser, from its bytes alone; nothing of it
          is sent anywhere.
        </p>
        <Button icon={<FileCheck aria-hidden="true" />} onPress={() => chooser.current?.click()}>
          Open a transcript
        </Button>
        <input
          ref={chooser}
          type="file"
          hidden
          aria-label="Transcript to check"
          onChange={({ target }) => {
            take(target.files)
            target.value = ''
          }}
        />
      </div>
      {given === undefined ? null : (
        <Suspense fallback={<Skeleton width="100%" height={60} />}>
          <h3 className="mono">{given.file.name}</h3>
          <Recheck key={given.nth} file={given.file} />
        </Suspense>
      )}
    </Section>
  )
}
