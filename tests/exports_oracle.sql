-- What an export must say, from the raw events alone: the second opinion.
--
-- Written for somebody who knows SQL and `docs/events.md` and nothing of the program: no counters,
-- no hours, no merging; every question walks over all contacts. Instants are microseconds since
-- 1970-01-01T00:00Z. Given by whoever runs this: the table `events` (one row a line, as the sources
-- sent them: some twice, some corrected, in any order) and what an operator has configured:
--
--   parts     (channel, part, calendar)                          queues, mailboxes, desks
--   promises  (channel, part, promise, valid_from, valid_until, within_us, short_us, formula,
--              met_by)                     the version that holds for whoever arrives when; part ''
--                                          is the total, which counts a citizen once
--   openings  (calendar, opens, closes)                          opening hours
--   truth     (channel, as_of)                                   up to when everything is known
--   settings  (max_wait, zone)

CREATE MACRO us(t) AS epoch_us(t::TIMESTAMPTZ);
CREATE MACRO forever() AS 4611686018427387904;
CREATE MACRO label_of(which, name) AS
    CASE WHEN EXISTS (FROM parts WHERE parts.channel = which AND parts.part = name)
         THEN name ELSE 'other' END;

-- Wilson's score interval, 95 %.
CREATE MACRO z() AS 1.959963984540054::DOUBLE;
CREATE MACRO wilson(k, n, side) AS
    CASE WHEN n > 0 THEN greatest(0, least(1,
        (k / n + z() * z() / (2 * n)
         + side * z() * sqrt(k / n * (1 - k / n) / n + z() * z() / (4 * n * n)))
        / (1 + z() * z() / n)
    )) END;

-- Nearest rank: the smallest value that at least this share of the values does not exceed.
CREATE MACRO nearest_rank(seconds, share) AS
    list_sort(seconds)[greatest(1, ceil(share::DECIMAL(3, 2) * len(seconds)))::BIGINT];

-- ------------------------------------------------------------------------------------------------
-- Calls
-- ------------------------------------------------------------------------------------------------

-- The same fact again is a duplicate, or a correction if its revision is higher.
CREATE TABLE call_facts AS
SELECT * EXCLUDE (happened), us(coalesce(entered_at, happened)) AS happened
FROM events
WHERE type LIKE 'call.%'
QUALIFY row_number() OVER (
    PARTITION BY type, call, queue, us(coalesce(entered_at, happened)) ORDER BY revision DESC
) = 1;

CREATE TABLE told_entries AS
SELECT DISTINCT call, queue, happened AS entered
FROM call_facts WHERE type IN ('call.entered', 'call.record');

CREATE TABLE told_steps AS
SELECT call, queue, happened, 0 AS rank, 'answered' AS how
FROM call_facts WHERE type = 'call.answered'
UNION
SELECT call, queue, happened, 1, reason FROM call_facts WHERE type = 'call.left'
UNION
SELECT call, queue, us(answered_at), 0, 'answered' FROM call_facts
WHERE type = 'call.record' AND answered_at IS NOT NULL
UNION
SELECT call, queue, us(left_at), 1, coalesce(reason, 'unknown') FROM call_facts
WHERE type = 'call.record' AND left_at IS NOT NULL;

CREATE TABLE told_ends AS
SELECT row_number() OVER () AS id, * FROM (
    SELECT call, queue, happened, resolved, topic FROM call_facts WHERE type = 'call.ended'
    UNION ALL
    SELECT call, queue, us(ended_at), resolved, topic FROM call_facts
    WHERE type = 'call.record' AND ended_at IS NOT NULL
);

-- Some exchanges use an id again. A call that enters a queue after it was silent for longer than
-- anybody may wait is another one; what is told of an id before its first entry is nothing.
CREATE TABLE starts AS
WITH moments AS (
    SELECT call, happened, bool_or(enters) AS enters
    FROM (
        SELECT call, entered AS happened, true AS enters FROM told_entries
        UNION ALL SELECT call, happened, false FROM told_steps
        UNION ALL SELECT call, happened, false FROM told_ends
    ) GROUP BY call, happened
), begins AS (
    SELECT call, happened FROM moments
    WINDOW so_far AS (PARTITION BY call ORDER BY happened)
    QUALIFY enters AND (
        count(*) FILTER (enters) OVER so_far = 1
        OR happened - lag(happened) OVER so_far > (SELECT max_wait FROM settings)
    )
)
SELECT call, happened AS start,
       lead(happened, 1, forever()) OVER (PARTITION BY call ORDER BY happened) AS next_start
FROM begins;

CREATE TABLE entries AS
SELECT {'id': call, 'since': start} AS call, queue, entered
FROM told_entries JOIN starts USING (call) WHERE entered >= start AND entered < next_start;
CREATE TABLE steps AS
SELECT * EXCLUDE (start, next_start) REPLACE ({'id': call, 'since': start} AS call)
FROM told_steps JOIN starts USING (call) WHERE happened >= start AND happened < next_start;
CREATE TABLE ends AS
SELECT * EXCLUDE (start, next_start) REPLACE ({'id': call, 'since': start} AS call)
FROM told_ends JOIN starts USING (call) WHERE happened >= start AND happened < next_start;

-- A visit to a queue lasts until the same call enters the same queue again.
CREATE TABLE stays AS
SELECT *, lead(entered, 1, forever()) OVER (PARTITION BY call, queue ORDER BY entered) AS again
FROM entries;

-- What happened in each visit, in order; an answer comes before a departure at the same instant.
CREATE TABLE stay_steps AS
SELECT call, queue, entered, happened, how,
       row_number() OVER (PARTITION BY call, queue, entered ORDER BY happened, rank, how) AS nth
FROM stays JOIN steps USING (call, queue)
WHERE happened >= entered AND happened < again;

-- Which visits an end concerns: those of its queue, or of the whole call.
CREATE TABLE stay_ends AS
SELECT stays.call, stays.queue, entered, id, happened, ends.queue AS named, resolved, topic
FROM stays JOIN ends ON ends.call = stays.call
WHERE happened >= entered AND (ends.queue IS NULL OR (ends.queue = stays.queue AND happened < again));

-- The first step decides. A visit that nobody answered is over when its call is.
CREATE TABLE decided AS
SELECT stays.*,
       coalesce(step.how, CASE WHEN over IS NOT NULL THEN 'unknown' END) AS how,
       coalesce(step.happened, over) AS left_at
FROM stays
LEFT JOIN (FROM stay_steps WHERE nth = 1) step USING (call, queue, entered)
LEFT JOIN (
    SELECT call, queue, entered, min(happened) AS over FROM stay_ends GROUP BY ALL
) USING (call, queue, entered);

-- A conversation ends when the member hands the caller on, when the caller enters the next queue,
-- or when somebody says that it ended: whichever is first.
CREATE TABLE talks AS
SELECT call, queue, entered,
       least(
           (SELECT min(s.happened) FROM stay_steps s
            WHERE s.call = d.call AND s.queue = d.queue AND s.entered = d.entered
              AND s.nth > 1 AND s.how <> 'answered'),
           (SELECT min(e.entered) FROM entries e WHERE e.call = d.call AND e.entered > d.left_at),
           (SELECT min(e.happened) FROM stay_ends e
            WHERE e.call = d.call AND e.queue = d.queue AND e.entered = d.entered
              AND e.happened >= d.left_at)
       ) AS ended
FROM decided d WHERE how = 'answered';

-- A code is about the last conversation that its end concerns. The first end that says whether
-- the question was closed decides, for the topic too if it names one.
CREATE TABLE codes AS
SELECT call, queue, entered,
       first(resolved ORDER BY nth) FILTER (resolved IS NOT NULL) AS resolved,
       coalesce(
           first(topic ORDER BY nth) FILTER (nth = first_coded),
           first(topic ORDER BY nth) FILTER (topic IS NOT NULL)
       ) AS topic
FROM (
    SELECT *, min(CASE WHEN resolved IS NOT NULL THEN nth END)
                  OVER (PARTITION BY call, queue, entered) AS first_coded
    FROM (
        SELECT e.*, row_number() OVER (
            PARTITION BY call, queue, entered
            ORDER BY happened, coalesce(named, ''), resolved IS NOT TRUE, topic IS NULL, topic
        ) AS nth
        FROM (
            SELECT e.* FROM stay_ends e JOIN decided d USING (call, queue, entered)
            WHERE how = 'answered' AND left_at <= e.happened
            QUALIFY row_number() OVER (PARTITION BY call, id ORDER BY entered DESC, queue DESC) = 1
        ) e
    )
)
GROUP BY call, queue, entered;

-- Nobody waits longer than the configured longest wait: then an event was lost.
CREATE TABLE visits AS
SELECT call, queue, entered,
       CASE WHEN lost THEN 'unknown' ELSE how END AS how,
       CASE WHEN lost THEN entered + max_wait ELSE left_at END AS left_at,
       CASE WHEN NOT lost THEN ended END AS ended,
       CASE WHEN NOT lost THEN resolved END AS resolved,
       CASE WHEN NOT lost THEN topic END AS topic
FROM (
    SELECT d.*, ended, resolved, topic, max_wait,
           coalesce(left_at > entered + max_wait, false) AS lost
    FROM decided d
    LEFT JOIN talks USING (call, queue, entered)
    LEFT JOIN codes USING (call, queue, entered),
    settings
);

-- The citizen called once, whatever queues the call went through: waiting since the first entry,
-- answered at the first answer, helped by everybody who spoke to them.
CREATE TABLE whole_calls AS
SELECT call,
       min(entered) AS entered,
       CASE WHEN bool_or(coalesce(how = 'answered', false)) THEN 'answered'
            WHEN bool_and(how IS NOT NULL) THEN arg_max(how, (left_at, entered)) END AS how,
       CASE WHEN bool_or(coalesce(how = 'answered', false))
                 THEN min(left_at) FILTER (how = 'answered')
            WHEN bool_and(how IS NOT NULL) THEN max(left_at) END AS left_at,
       bool_or(coalesce(how = 'answered', false))
           AND bool_and(ended IS NOT NULL) FILTER (how = 'answered') AS over,
       sum(ended - left_at) FILTER (how = 'answered') AS talked,
       last(resolved ORDER BY entered, queue)
           FILTER (how = 'answered' AND resolved IS NOT NULL) AS resolved,
       coalesce(
           last(topic ORDER BY entered, queue) FILTER (how = 'answered' AND resolved IS NOT NULL),
           last(topic ORDER BY entered, queue) FILTER (how = 'answered' AND topic IS NOT NULL)
       ) AS topic,
       max(entered) FILTER (how IS NULL) AS waiting_since
FROM visits GROUP BY call;

-- Everybody as a queue sees them, and as the total (part '') does.
CREATE TABLE callers AS
SELECT c.*, left_at - entered AS wait,
       how IS NULL AND until <= as_of AS given_up
FROM (
    SELECT label_of('calls', queue) AS part, entered, how, left_at, ended IS NOT NULL AS over,
           ended - left_at AS talked, resolved, topic, entered + max_wait AS until
    FROM visits, settings
    UNION ALL
    SELECT '', entered, how, left_at, coalesce(over, false), talked,
           CASE WHEN over THEN resolved END, CASE WHEN over THEN topic END,
           waiting_since + max_wait
    FROM whole_calls, settings
) c, truth WHERE channel = 'calls';

-- Each promise to each caller comes to exactly one thing.
CREATE TABLE call_promises AS
SELECT c.part, entered, promise, how,
       CASE
           WHEN how IS NULL AND given_up AND until <= entered + within_us THEN 'none'
           WHEN how IS NULL AND entered + within_us < as_of THEN 'missed'
           WHEN how IS NULL THEN 'pending'
           WHEN wait > within_us THEN 'missed'
           WHEN how = 'answered' THEN 'met'
           WHEN how = 'abandoned' THEN 'abandoned_within'
           ELSE 'excluded'
       END AS became,
       coalesce(how = 'answered' AND wait > within_us, false) AS late,
       coalesce(how = 'abandoned' AND wait <= short_us, false) AS short
FROM callers c JOIN promises p
  ON p.channel = 'calls' AND p.part = c.part AND entered >= valid_from AND entered < valid_until,
truth WHERE truth.channel = 'calls';

-- ------------------------------------------------------------------------------------------------
-- E-mails
-- ------------------------------------------------------------------------------------------------

CREATE TABLE mail_facts AS
SELECT * REPLACE (us(happened) AS happened),
       CASE type WHEN 'email.received' THEN 0 WHEN 'email.sent' THEN 1
                 WHEN 'email.forwarded' THEN 2 ELSE 3 END AS rank,
       coalesce(message, unit, reason) AS id
FROM events
WHERE type LIKE 'email.%'
QUALIFY row_number() OVER (
    PARTITION BY type, conversation,
                 CASE WHEN type IN ('email.received', 'email.sent') THEN message
                      ELSE us(happened)::VARCHAR END
    ORDER BY revision DESC
) = 1;

-- A full answer or a closing ends the waiting: what comes after it begins a new stretch.
CREATE TABLE stretches AS
SELECT *,
       count(*) FILTER (
           type = 'email.closed'
           OR (type = 'email.sent' AND NOT automatic AND NOT coalesce(holding, false))
       ) OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS stretch,
       last_value(CASE WHEN type = 'email.received' THEN mailbox END IGNORE NULLS)
           OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS written_to
FROM mail_facts
WINDOW in_order AS (PARTITION BY conversation ORDER BY happened, rank, id);

-- The first message of a citizen in a stretch asks; further ones remind.
CREATE TABLE letters AS
SELECT *, row_number() OVER (
    PARTITION BY conversation, stretch, type = 'email.received' AND NOT automatic
    ORDER BY happened, rank, id
) AS nth
FROM stretches;

CREATE TABLE questions AS
SELECT q.conversation, q.mailbox, q.happened AS opened,
       min(f.happened) FILTER (f.type = 'email.sent' AND NOT f.automatic) AS replied,
       min(f.happened) FILTER (
           f.type = 'email.sent' AND NOT f.automatic AND NOT coalesce(f.holding, false)
       ) AS answered,
       min(f.happened) FILTER (f.type = 'email.closed') AS closed,
       min(f.reason) FILTER (f.type = 'email.closed') AS reason
FROM letters q
LEFT JOIN stretches f
  ON f.conversation = q.conversation AND f.stretch = q.stretch
 AND (f.happened, f.rank, f.id) > (q.happened, q.rank, q.id)
WHERE q.type = 'email.received' AND NOT q.automatic AND q.nth = 1
GROUP BY q.conversation, q.mailbox, q.happened, q.id, q.stretch;

-- What a mailbox counts without anybody waiting for it.
CREATE TABLE beside AS
SELECT label_of('emails', coalesce(written_to, '')) AS part, happened,
       CASE WHEN type = 'email.forwarded' THEN 'forwarded'
            WHEN automatic THEN 'automatic' ELSE 'reminders' END AS what
FROM letters
WHERE type = 'email.forwarded' OR (type = 'email.received' AND (automatic OR nth > 1));
INSERT INTO beside SELECT '', happened, what FROM beside;

-- Working time is the overlap of the wait with the opening hours of the mailbox.
CREATE TABLE writers AS
SELECT part, q.* EXCLUDE (calendar),
       (SELECT coalesce(sum(least(closes, replied) - greatest(opens, opened)), 0)
        FROM openings o
        WHERE o.calendar = q.calendar AND opens < replied AND closes > opened) AS took
FROM (
    SELECT questions.*, label_of('emails', mailbox) AS own,
           coalesce(parts.calendar, 'default') AS calendar
    FROM questions
    LEFT JOIN parts ON parts.channel = 'emails' AND parts.part = mailbox
) q, (SELECT unnest([true, false]) AS is_total), LATERAL (
    SELECT CASE WHEN is_total THEN '' ELSE own END AS part
);

-- Whoever runs this fills it with when answers are due: a table of its own, since the rules of
-- working days have a twin of their own.
CREATE TABLE dues (part VARCHAR, promise VARCHAR, opened BIGINT, due BIGINT, met_by VARCHAR);

-- Two tracks: the first human reply, and the full answer. A miss stays a miss.
CREATE VIEW mail_promises AS
WITH told AS (
    SELECT w.part, w.opened, promise, due, met_by, replied, answered, closed, as_of
    FROM writers w JOIN (SELECT DISTINCT * FROM dues) d ON d.part = w.part AND d.opened = w.opened,
    truth WHERE channel = 'emails'
)
SELECT part, opened, promise, met_by,
       CASE WHEN replied <= due THEN 'met'
            WHEN replied IS NULL AND closed <= due THEN 'excluded'
            WHEN replied IS NOT NULL OR closed IS NOT NULL OR due < as_of THEN 'missed'
            ELSE 'pending' END AS first_reply,
       CASE WHEN answered <= due THEN 'met'
            WHEN answered IS NULL AND closed <= due THEN 'excluded'
            WHEN answered IS NOT NULL OR closed IS NOT NULL OR due < as_of THEN 'missed'
            ELSE 'pending' END AS full_answer
FROM told;

-- ------------------------------------------------------------------------------------------------
-- Surveys and visits
-- ------------------------------------------------------------------------------------------------

CREATE TABLE answers AS
SELECT channel AS part, us(happened) AS happened, question, score, got_reply IS DISTINCT FROM false AS counts
FROM events WHERE type = 'survey.answered'
QUALIFY row_number() OVER (PARTITION BY answer, question ORDER BY revision DESC) = 1;

CREATE TABLE visitors AS
SELECT label_of('visits', desk) AS part, us(happened) AS happened, round(wait_seconds * 1000000)::BIGINT AS wait
FROM events WHERE type = 'visit.registered'
QUALIFY row_number() OVER (PARTITION BY visit ORDER BY revision DESC) = 1;
INSERT INTO visitors SELECT '', happened, wait FROM visitors;

-- ------------------------------------------------------------------------------------------------
-- Figures: what became of everybody who arrived from `start` on and before `stop`
-- ------------------------------------------------------------------------------------------------

CREATE MACRO figure(kpi, choice, kind, a, b) AS
    {'kpi': kpi, 'choice': choice, 'kind': kind, 'a': a::DOUBLE, 'b': b::DOUBLE};

CREATE MACRO whole_seconds(t) AS t // 1000000;

CREATE MACRO call_figures(start, stop) AS TABLE
WITH counted AS (
    SELECT part,
           count(*) AS offered,
           count(*) FILTER (how = 'answered') AS answered,
           count(*) FILTER (how = 'abandoned') AS abandoned,
           count(*) FILTER (how = 'timeout') AS timeouts,
           count(*) FILTER (how = 'key') AS keys,
           count(*) FILTER (how = 'empty') AS empty,
           count(*) FILTER (how = 'withdrawn') AS withdrawn,
           count(*) FILTER (how = 'callback') AS callbacks,
           count(*) FILTER (how = 'transferred') AS transferred,
           count(*) FILTER (how = 'unknown' OR given_up) AS unknowns,
           count(*) FILTER (how IS NOT NULL OR given_up) AS departures,
           coalesce(sum(wait) FILTER (how = 'answered'), 0) AS waited,
           coalesce(list(whole_seconds(wait)) FILTER (how = 'answered'), []) AS waits,
           count(*) FILTER (over) AS handled,
           coalesce(sum(talked) FILTER (over), 0) AS talked,
           count(*) FILTER (over AND resolved IS NOT NULL) AS coded,
           count(*) FILTER (over AND resolved) AS solved
    FROM callers WHERE entered >= start AND entered < stop GROUP BY part
)
SELECT part, '' AS promise, unnest([
    figure('offered', '', 'count', offered, NULL),
    figure('answered', '', 'count', answered, NULL),
    figure('abandoned', '', 'count', abandoned, NULL),
    figure('exits', 'timeout', 'count', timeouts, NULL),
    figure('exits', 'key', 'count', keys, NULL),
    figure('exits', 'empty', 'count', empty, NULL),
    figure('exits', 'withdrawn', 'count', withdrawn, NULL),
    figure('exits', 'callback', 'count', callbacks, NULL),
    figure('exits', 'transferred', 'count', transferred, NULL),
    figure('exits', 'unknown', 'count', unknowns, NULL),
    figure('departures', '', 'count', departures, NULL),
    figure('abandonment', '', 'share', abandoned, departures),
    figure('wait_mean', '', 'mean', waited, answered),
    figure('wait', '0.5', 'rank', nearest_rank(waits, 0.5), answered),
    figure('wait', '0.9', 'rank', nearest_rank(waits, 0.9), answered),
    figure('wait', '1', 'rank', nearest_rank(waits, 1), answered),
    figure('handled', '', 'count', handled, NULL),
    figure('handle_time_mean', '', 'mean', talked, handled),
    figure('coded', '', 'count', coded, NULL),
    figure('resolved', '', 'count', solved, NULL),
    figure('coded_share', '', 'share', coded, handled),
    figure('resolution', '', 'share', solved, coded)
], recursive := true), 0 AS pending
FROM counted;

-- A = answered, A_T in time, M = missed, B_T hung up in time, B_s shortly after the entry.
CREATE MACRO call_promise_figures(start, stop) AS TABLE
WITH counted AS (
    SELECT part, promise,
           count(*) FILTER (became = 'met') AS a_t,
           count(*) FILTER (became = 'missed') AS m,
           count(*) FILTER (late) AS late,
           count(*) FILTER (became = 'abandoned_within') AS b_t,
           count(*) FILTER (short) AS b_s,
           count(*) FILTER (became = 'excluded') AS excluded,
           count(*) FILTER (became = 'pending') AS pending
    FROM call_promises WHERE entered >= start AND entered < stop GROUP BY ALL
), formulas AS (
    SELECT part, promise, pending, unnest([
        {'formula': 'answered_only', 'kept': a_t, 'events': a_t + late},
        {'formula': 'negative_abandons', 'kept': a_t, 'events': a_t + m + b_t},
        {'formula': 'ignore_early_abandons', 'kept': a_t, 'events': a_t + m},
        {'formula': 'positive_abandons', 'kept': a_t + b_t, 'events': a_t + m + b_t},
        {'formula': 'short_abandons_credited', 'kept': a_t + b_s, 'events': a_t + m + b_t},
        {'formula': 'short_abandons_excluded', 'kept': a_t, 'events': a_t + m + b_t - b_s}
    ], recursive := true) FROM counted
), official AS (
    -- The formula of the version that holds at the end of the stretch.
    SELECT f.* FROM formulas f JOIN promises p
      ON p.channel = 'calls' AND p.part = f.part AND p.promise = f.promise
     AND p.formula = f.formula AND stop - 1 >= valid_from AND stop - 1 < valid_until
)
SELECT part, promise, unnest([
    figure('answered_within', '', 'count', a_t, NULL),
    figure('missed', '', 'count', m, NULL),
    figure('answered_late', '', 'count', late, NULL),
    figure('abandoned_within', '', 'count', b_t, NULL),
    figure('short_abandons', '', 'count', b_s, NULL),
    figure('excluded', '', 'count', excluded, NULL)
], recursive := true), pending FROM counted
UNION ALL
SELECT part, promise, unnest([
    figure('service_level_kept', '', 'count', kept, NULL),
    figure('service_level_events', '', 'count', events, NULL),
    figure('service_level', '', 'share', kept, events)
], recursive := true), pending FROM official
UNION ALL
SELECT part, promise, unnest([
    figure('service_level_by_variant', formula, 'share', kept, events)
], recursive := true), pending FROM formulas;

CREATE MACRO mail_figures(start, stop) AS TABLE
WITH asked AS (
    SELECT part,
           count(*) AS received,
           count(replied) AS replies,
           coalesce(sum(took) FILTER (replied IS NOT NULL), 0) AS took,
           coalesce(list(whole_seconds(took)) FILTER (replied IS NOT NULL), []) AS times,
           count(answered) AS answered,
           count(*) FILTER (reason = 'no_reply_needed') AS needless,
           count(*) FILTER (reason = 'spam') AS spam,
           count(*) FILTER (reason = 'duplicate') AS duplicates,
           count(*) FILTER (reason = 'wrong_address') AS misdirected,
           count(*) FILTER (reason = 'handled_elsewhere') AS elsewhere
    FROM writers WHERE opened >= start AND opened < stop GROUP BY part
), others AS (
    SELECT part,
           count(*) FILTER (what = 'automatic') AS automatic,
           count(*) FILTER (what = 'reminders') AS reminders,
           count(*) FILTER (what = 'forwarded') AS forwarded
    FROM beside WHERE happened >= start AND happened < stop GROUP BY part
)
SELECT part, '' AS promise, unnest([
    figure('received', '', 'count', coalesce(received, 0), NULL),
    figure('automatic', '', 'count', coalesce(automatic, 0), NULL),
    figure('reminders', '', 'count', coalesce(reminders, 0), NULL),
    figure('forwarded', '', 'count', coalesce(forwarded, 0), NULL),
    figure('first_replies', '', 'count', coalesce(replies, 0), NULL),
    figure('full_answers', '', 'count', coalesce(answered, 0), NULL),
    figure('no_reply_needed', 'no_reply_needed', 'count', coalesce(needless, 0), NULL),
    figure('no_reply_needed', 'spam', 'count', coalesce(spam, 0), NULL),
    figure('no_reply_needed', 'duplicate', 'count', coalesce(duplicates, 0), NULL),
    figure('no_reply_needed', 'wrong_address', 'count', coalesce(misdirected, 0), NULL),
    figure('no_reply_needed', 'handled_elsewhere', 'count', coalesce(elsewhere, 0), NULL),
    figure('reply_time_mean', '', 'mean', took, coalesce(replies, 0)),
    figure('reply_time', '0.5', 'rank', nearest_rank(times, 0.5), coalesce(replies, 0)),
    figure('reply_time', '0.9', 'rank', nearest_rank(times, 0.9), coalesce(replies, 0)),
    figure('reply_time', '1', 'rank', nearest_rank(times, 1), coalesce(replies, 0))
], recursive := true), 0 AS pending
FROM asked FULL JOIN others USING (part);

CREATE MACRO mail_promise_figures(start, stop) AS TABLE
WITH kept AS (
    SELECT part, promise,
           CASE met_by WHEN 'full_answer' THEN full_answer ELSE first_reply END AS became,
           first_reply, full_answer
    FROM mail_promises WHERE opened >= start AND opened < stop
), counted AS (
    SELECT part, promise,
           count(*) FILTER (became = 'met') AS met,
           count(*) FILTER (became = 'missed') AS missed,
           count(*) FILTER (became = 'excluded') AS excluded,
           count(*) FILTER (became = 'pending') AS pending,
           count(*) FILTER (first_reply = 'met') AS first_met,
           count(*) FILTER (first_reply IN ('met', 'missed')) AS first_events,
           count(*) FILTER (full_answer = 'met') AS full_met,
           count(*) FILTER (full_answer IN ('met', 'missed')) AS full_events
    FROM kept GROUP BY ALL
)
SELECT part, promise, unnest([
    figure('met', '', 'count', met, NULL),
    figure('missed', '', 'count', missed, NULL),
    figure('excluded', '', 'count', excluded, NULL),
    figure('service_level_events', '', 'count', met + missed, NULL),
    figure('service_level', '', 'share', met, met + missed),
    figure('first_reply_share', '', 'share', first_met, first_events),
    figure('full_answer_share', '', 'share', full_met, full_events)
], recursive := true), pending FROM counted;

-- The national index: 1 is 0 points, 5 is 100; whoever got no reply has nothing to judge.
CREATE MACRO survey_figures(start, stop) AS TABLE
WITH counted AS (
    SELECT part, question,
           count(*) FILTER (counts) AS n,
           coalesce(sum((score - 1) * 25) FILTER (counts), 0) AS points,
           count(*) FILTER (NOT counts) AS excluded
    FROM answers WHERE happened >= start AND happened < stop GROUP BY ALL
)
SELECT part, '' AS promise, unnest([
    figure('answers', question, 'count', n, NULL),
    figure('index', question, 'index', points, n),
    figure('publishable', question, 'flag', (n >= 100)::INT, NULL),
    figure('excluded', question, 'count', excluded, NULL)
], recursive := true), 0 AS pending FROM counted;

CREATE MACRO visit_figures(start, stop) AS TABLE
WITH counted AS (
    SELECT part, count(*) AS n, count(wait) AS measured, coalesce(sum(wait), 0) AS waited,
           coalesce(list(whole_seconds(wait)) FILTER (wait IS NOT NULL), []) AS waits
    FROM visitors WHERE happened >= start AND happened < stop GROUP BY part
)
SELECT part, '' AS promise, unnest([
    figure('registered', '', 'count', n, NULL),
    figure('measured_waits', '', 'count', measured, NULL),
    figure('wait_mean', '', 'mean', waited, measured),
    figure('wait', '0.5', 'rank', nearest_rank(waits, 0.5), measured),
    figure('wait', '0.9', 'rank', nearest_rank(waits, 0.9), measured),
    figure('wait', '1', 'rank', nearest_rank(waits, 1), measured)
], recursive := true), 0 AS pending FROM counted;

-- Shares of nothing, and means of nothing, are no number. Counts are told per period where several
-- are taken together.
CREATE MACRO figures(start, stop, periods) AS TABLE
SELECT channel, part, kpi, promise, choice,
       CASE kind WHEN 'count' THEN a / periods
                 WHEN 'flag' THEN a
                 WHEN 'rank' THEN CASE WHEN b > 0 THEN a END
                 WHEN 'mean' THEN CASE WHEN b > 0 THEN a / b / 1000000 END
                 ELSE CASE WHEN b > 0 THEN a / b END END AS value,
       b::BIGINT AS n,
       CASE kind WHEN 'share' THEN a::BIGINT END AS numerator,
       CASE kind WHEN 'share' THEN wilson(a, b, -1) END AS lower,
       CASE kind WHEN 'share' THEN wilson(a, b, 1) END AS upper,
       pending
FROM (
    SELECT 'calls' AS channel, * FROM call_figures(start, stop)
    UNION ALL SELECT 'calls', * FROM call_promise_figures(start, stop)
    UNION ALL SELECT 'emails', * FROM mail_figures(start, stop)
    UNION ALL SELECT 'emails', * FROM mail_promise_figures(start, stop)
    UNION ALL SELECT 'surveys', * FROM survey_figures(start, stop)
    UNION ALL SELECT 'visits', * FROM visit_figures(start, stop)
);

-- ------------------------------------------------------------------------------------------------
-- By weekday and hour, as wall clocks show them: the hour that comes twice in autumn is one cell
-- ------------------------------------------------------------------------------------------------

CREATE MACRO wall_clock(t) AS make_timestamptz(t) AT TIME ZONE (SELECT zone FROM settings);

CREATE MACRO heat_map(start, stop) AS TABLE
SELECT channel, part, kpi, promise, isodow(wall_clock(arrived)) - 1 AS weekday,
       hour(wall_clock(arrived)) AS hour,
       CASE WHEN bool_and(kept IS NULL) THEN count(*)
            WHEN count(*) FILTER (counts) > 0
                 THEN count(*) FILTER (kept) / count(*) FILTER (counts) END AS value,
       CASE WHEN NOT bool_and(kept IS NULL) THEN count(*) FILTER (counts) END AS n,
       CASE WHEN NOT bool_and(kept IS NULL) THEN count(*) FILTER (kept) END AS numerator,
       count(*) FILTER (pending) AS pending
FROM (
    SELECT 'calls' AS channel, part, 'offered' AS kpi, '' AS promise, entered AS arrived,
           NULL::BOOLEAN AS kept, NULL::BOOLEAN AS counts, false AS pending FROM callers
    UNION ALL SELECT 'emails', part, 'received', '', opened, NULL, NULL, false FROM writers
    UNION ALL SELECT 'visits', part, 'registered', '', happened, NULL, NULL, false FROM visitors
    UNION ALL
    SELECT 'calls', c.part, 'service_level', c.promise, entered,
           became = 'met' OR (formula = 'positive_abandons' AND became = 'abandoned_within')
               OR (formula = 'short_abandons_credited' AND short),
           CASE formula
               WHEN 'answered_only' THEN became = 'met' OR late
               WHEN 'ignore_early_abandons' THEN became IN ('met', 'missed')
               WHEN 'short_abandons_excluded'
                   THEN became IN ('met', 'missed', 'abandoned_within') AND NOT short
               ELSE became IN ('met', 'missed', 'abandoned_within') END,
           became = 'pending'
    FROM call_promises c JOIN promises p
      ON p.channel = 'calls' AND p.part = c.part AND p.promise = c.promise
     AND stop - 1 >= valid_from AND stop - 1 < valid_until
    UNION ALL
    SELECT 'emails', part, 'service_level', promise, opened, became = 'met',
           became IN ('met', 'missed'), became = 'pending'
    FROM (SELECT *, CASE met_by WHEN 'full_answer' THEN full_answer ELSE first_reply END AS became
          FROM mail_promises)
) WHERE arrived >= start AND arrived < stop GROUP BY ALL;

-- ------------------------------------------------------------------------------------------------
-- What calls were about: ended calls whose members coded a topic, by the day they arrived
-- ------------------------------------------------------------------------------------------------

CREATE MACRO topic_figures(start, stop) AS TABLE
WITH counted AS (
    SELECT topic, count(*) AS handled,
           sum(count(*)) OVER () AS of_all,
           count(*) FILTER (resolved IS NOT NULL) AS coded,
           count(*) FILTER (resolved) AS solved
    FROM callers
    WHERE part = '' AND over AND topic IS NOT NULL AND entered >= start AND entered < stop
    GROUP BY topic
)
SELECT topic, kpi,
       CASE kind WHEN 'count' THEN a WHEN 'share' THEN CASE WHEN b > 0 THEN a / b END END AS value,
       b::BIGINT AS n,
       CASE kind WHEN 'share' THEN a::BIGINT END AS numerator,
       CASE kind WHEN 'share' THEN wilson(a, b, -1) END AS lower,
       CASE kind WHEN 'share' THEN wilson(a, b, 1) END AS upper,
       0 AS pending
FROM (
    SELECT topic, unnest([
        figure('handled', '', 'count', handled, NULL),
        figure('share', '', 'share', handled, of_all),
        figure('coded_share', '', 'share', coded, handled),
        figure('resolution', '', 'share', solved, coded)
    ], recursive := true) FROM counted
);
