import { Button } from '../ui/button.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Mark } from './mark.tsx'
import { useConnection } from './node-data.tsx'

/** What a browser sees that the node does not know: how it gets in. Nothing of the node is shown. */
export function SignedOut() {
  const connection = useConnection()
  return (
    <main className="signed-out">
      <Mark />
      <h1>This browser is signed out</h1>
      <p>
        The console opens with a link that works once. Get one on the machine where the node runs:
      </p>
      <Copyable text="compute-node ui" what="command" />
      <p className="faint">
        A session ends after a while, when it is ended, and when the node restarts.
      </p>
      <Button onPress={connection.retry}>Try again</Button>
    </main>
  )
}
