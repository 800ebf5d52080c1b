import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Hit } from '../find.ts'
import { useApps, names } from '../known.ts'
import { PasteForm } from '../paste-form.tsx'
import { go, to } from '../router.ts'
import { isSearching, search, searchOutcome } from '../search.ts'
import { may, seesAll } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { words } from '../words.ts'

function FindForm(): JSX.Element {
  const isBusy = isSearching.value
  const button = isBusy ? words.find.working : words.find.button
  return <PasteForm rows={2} button={button} isBusy={isBusy} onPaste={(text) => void search(text)} />
}

/** The things that were found, in the order of the server. */
function Hits({ hits }: { readonly hits: readonly Hit[] }): JSX.Element {
  return (
    <div role="status">
      {hits.length > 0 && <p class="sub small">{words.find.several(hits.length)}</p>}
      <ul class="apps">
        {hits.map(({ href, label, app }) => (
          <li key={href}>
            <a href={href}>
              <strong>{label}</strong> <span class="quiet">{app}</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

export function Find(): JSX.Element {
  const apps = useApps()
  const isEmpty = apps.value.value?.length === 0 && may('catalogue:write') && seesAll()
  // Nothing can be found on an empty server.
  useEffect(() => {
    if (isEmpty) go(to(['start']), true)
  }, [isEmpty])
  return (
    <article class="find-page">
      <header class="lead">
        <Title>{words.find.title}</Title>
        <p class="sub">{words.find.lead}</p>
      </header>
      <FindForm />
      <p class="failure" role="alert">
        {searchOutcome.value.failure}
      </p>
      <Hits hits={searchOutcome.value.hits} />
      <section aria-labelledby="apps">
        <h2 id="apps">{words.find.apps}</h2>
        <Shown known={apps.value} name={names.apps}>
          {(list) =>
            list.length === 0 ? (
              <p class="sub small">{words.find.noApps}</p>
            ) : (
              <ul class="apps">
                {list.map(({ slug, name, description }) => (
                  <li key={slug}>
                    <a href={to(['apps', slug])}>
                      <strong>{name}</strong> <code>{slug}</code>
                      {description !== null && <span class="quiet">{description}</span>}
                    </a>
                  </li>
                ))}
              </ul>
            )
          }
        </Shown>
        {may('catalogue:write') && seesAll() && (
          <p class="actions">
            <a class="button" href={to(['new-app'])}>
              {words.find.newApp}
            </a>
          </p>
        )}
      </section>
    </article>
  )
}
