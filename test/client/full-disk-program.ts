import process from 'node:process'
import { fileStore } from '../../src/client/file.ts'

/** Writes a text to the file, and prints the code of the error. */
async function main([path = '', text = '']: readonly string[]): Promise<void> {
  const written = fileStore(path).write(text)
  console.log(
    await written.then(
      () => 'written',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    ),
  )
}

await main(process.argv.slice(2))
