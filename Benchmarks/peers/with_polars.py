"""Polars: events in a data frame, two threads. usage: with_polars.py EVENTS.ndjson

The rows of rules/six-transitions.yaml by running sums, as Benchmarks/sql/running-sums.sql has them.
"""
import os

os.environ["POLARS_MAX_THREADS"] = "2"
import polars

from serving import serve

LAPSE, WINDOW = 180 * 86_400_000_000, 365 * 86_400_000_000
PURCHASE, VISIT, ADVOCACY = ["purchase", "order_paid"], ["comparison_visit", "site_visit"], ["review", "referral"]
frame = {}


def load(path):
    read = polars.scan_ndjson(path, schema={"subject": polars.String, "time": polars.String, "type": polars.String})
    frame["event"] = read.select(
        polars.int_range(polars.len(), dtype=polars.Int64).alias("position"),
        polars.col("subject").alias("customer"),
        polars.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.epoch("us").alias("instant"),
        polars.col("type").cast(polars.Categorical),
    ).collect()
    return f"Polars {polars.__version__}"


def query(_):
    column, event = polars.col, frame["event"].lazy()
    is_purchase = column("type").is_in(PURCHASE)
    purchase = (event.filter(is_purchase).sort("customer", "instant", "position")
                .with_columns(following=column("instant").shift(-1).over("customer")))
    leaving = purchase.select("customer", instant=column("instant") + WINDOW, leaving=1)
    lapsing = (purchase.filter(column("following").is_null() | (column("following") >= column("instant") + LAPSE))
               .select("customer", instant=column("instant") + LAPSE, leaving=0))
    timer = (polars.concat([leaving, lapsing]).filter(column("instant") <= frame["event"]["instant"].max())
             .group_by("customer", "instant").agg(column("leaving").sum())
             .select("customer", "instant", position=polars.lit(-1, polars.Int64), ad=0, visit=0, purchase=-column("leaving"),
                     advocacy=0, purchased_at=polars.lit(None, polars.Int64)))
    step = (event.filter(column("type").is_in(["ad_view", *PURCHASE, *VISIT, *ADVOCACY]))
            .select("customer", "instant", "position", ad=(column("type") == "ad_view").cast(polars.Int32),
                    visit=column("type").is_in(VISIT).cast(polars.Int32), purchase=is_purchase.cast(polars.Int32),
                    advocacy=column("type").is_in(ADVOCACY).cast(polars.Int32),
                    purchased_at=polars.when(is_purchase).then(column("instant"))))
    facts = (polars.concat([step, timer], how="vertical_relaxed").sort("customer", "instant", "position")
             .with_columns(column("ad", "visit", "purchase", "advocacy").cum_sum().over("customer"),
                           column("purchased_at").forward_fill().over("customer")))
    bought = column("purchased_at").is_not_null()
    stage = (polars.when(column("instant") - column("purchased_at") >= LAPSE).then(polars.lit("lapsed"))
             .when(bought & (column("purchase") >= 3) & (column("advocacy") >= 1)).then(polars.lit("loyalty"))
             .when(bought & (column("purchase") >= 2)).then(polars.lit("retention"))
             .when(bought).then(polars.lit("conversion"))
             .when(column("visit") >= 1).then(polars.lit("acquisition"))
             .when(column("ad") >= 1).then(polars.lit("reach")).otherwise(polars.lit("unknown")))
    change = (facts.with_columns(stage=stage)
              .with_columns(before=column("stage").shift(1, fill_value="unknown").over("customer"))
              .filter(column("before") != column("stage"))
              .select("customer", "instant", "before", "stage",
                      cause=polars.when(column("position") < 0).then(polars.lit("timer")).otherwise(polars.lit("event"))))
    entry = (event.group_by("customer").agg(column("instant").min())
             .select("customer", "instant", before=polars.lit(None, polars.String), stage=polars.lit("unknown"),
                     cause=polars.lit("event")))
    frame["result"] = polars.concat([entry, change]).collect()
    return {"rows": frame["result"].height}


def write(path):
    frame["result"].write_csv(path)


serve(load, {"query": query, "write": write})
