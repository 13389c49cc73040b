-- The rows of rules/six-transitions.yaml as fast as SQL gave them: integers, only events that matter, and in place of a
-- window of 365 days one sum to which a purchase adds 1 when it comes and -1 when it leaves. Runs in DuckDB and SQLite.
-- From `event` (position, customer, instant in microseconds, type) to (customer, instant, before, stage, cause).
with purchase as (
  select customer, instant, lead(instant) over (partition by customer order by instant, position) as following
  from event where type in ('purchase', 'order_paid')
),
timer as (
  select customer, instant, sum(leaving) as leaving from (
    select customer, instant + 31536000000000 as instant, 1 as leaving from purchase
    union all
    select customer, instant + 15552000000000, 0 from purchase
    where following is null or following >= instant + 15552000000000
  ) as due
  where instant <= (select max(instant) from event)
  group by customer, instant
),
-- A timer comes before the events of its instant.
step as (
  select customer, instant, position, 'event' as cause,
    case when type = 'ad_view' then 1 else 0 end as ad,
    case when type in ('comparison_visit', 'site_visit') then 1 else 0 end as visit,
    case when type in ('purchase', 'order_paid') then 1 else 0 end as purchase,
    case when type in ('review', 'referral') then 1 else 0 end as advocacy,
    case when type in ('purchase', 'order_paid') then instant end as purchased_at
  from event
  where type in ('ad_view', 'comparison_visit', 'site_visit', 'purchase', 'order_paid', 'review', 'referral')
  union all
  select customer, instant, -1, 'timer', 0, 0, -leaving, 0, null from timer
),
facts as (
  select customer, instant, position, cause,
    sum(ad) over so_far as ads, sum(visit) over so_far as visits, sum(advocacy) over so_far as advocacies,
    sum(purchase) over so_far as purchases_365d, max(purchased_at) over so_far as last_purchase_at
  from step
  window so_far as (partition by customer order by instant, position rows unbounded preceding)
),
staged as (
  select customer, instant, position, cause, case
    when instant - last_purchase_at >= 15552000000000 then 'lapsed'
    when last_purchase_at is not null and purchases_365d >= 3 and advocacies >= 1 then 'loyalty'
    when last_purchase_at is not null and purchases_365d >= 2 then 'retention'
    when last_purchase_at is not null then 'conversion'
    when visits >= 1 then 'acquisition'
    when ads >= 1 then 'reach'
    else 'unknown' end as stage
  from facts
),
change as (
  select customer, instant, cause, stage,
    lag(stage, 1, 'unknown') over (partition by customer order by instant, position) as before
  from staged
)
select customer, min(instant) as instant, null as before, 'unknown' as stage, 'event' as cause
from event group by customer
union all
select customer, instant, before, stage, cause from change where before <> stage
