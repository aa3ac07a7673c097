//! What is ClickHouse's own: which settings only bound a query, which functions only compute, and the
//! statements that show something.
//!
//! Source: ClickHouse's documentation of release 24. Names are compared in lower case, though the server
//! tells most of them apart by case: one that it would refuse does nothing.

use super::words::{Kind, Word};
use crate::language::sql::statement::{Effect, Statement};

/// Settings that bound a query and change nothing else about it.
pub(crate) const BOUNDS: &[&str] = &[
    "max_block_size",
    "max_bytes_to_read",
    "max_execution_time",
    "max_memory_usage",
    "max_result_bytes",
    "max_result_rows",
    "max_rows_to_read",
    "max_threads",
];

/// Functions that only compute.
const COMPUTES: &str = "\
    abs adddays addhours addminutes addmonths addseconds addweeks addyears age and array arrayavg arrayconcat \
    arraycount arraydistinct arrayelement arrayenumerate arrayexists arrayfilter arrayfirst arrayjoin arraymap \
    arraymax arraymin arraypopback arraypopfront arraypushback arrayreverse arrayslice arraysort arraystringconcat \
    arraysum arrayuniq assumenotnull bar base64decode base64encode bitand bitor bitxor cast ceil ceiling \
    cityhash64 coalesce concat cos currentdatabase currentuser date date_add date_diff date_sub date_trunc \
    datediff datetrunc divide dumpcolumnstructure empty endswith equals exp extract extractall floor \
    format formatdatetime formatreadablesize formatreadabletimedelta formatreadablequantity fqdn fromunixtimestamp \
    generateuuidv4 greater greaterorequals greatest has hasall hasany hastoken hex hostname identity if ifnull \
    ilike intdiv intdivorzero ipv4numtostring ipv4stringtonum ipv6numtostring isfinite isinfinite isnan isnotnull \
    isnull jsonextract jsonextractarrayraw jsonextractbool jsonextractfloat jsonextractint jsonextractkeys \
    jsonextractraw jsonextractstring jsonhas jsonlength least left length lengthutf8 less lessorequals like log \
    log10 log2 lower lowerutf8 map mapkeys mapvalues match md5 minus modulo multiif multiply negate not \
    notempty notequals notin now now64 nullif numbers numbers_mt or plus position pow power rand rand64 range \
    replace replaceall replaceone replaceregexpall replaceregexpone reverse right round rownumberinallblocks \
    runningdifference sin sha256 simplejsonextractstring siphash64 splitbychar splitbystring sqrt startswith \
    substr substring substringutf8 subtractdays subtracthours \
    subtractminutes subtractmonths subtractweeks subtractyears tan timezone todate todate32 todatetime todatetime64 \
    todayofmonth todayofweek todayofyear today todecimal128 todecimal32 todecimal64 tofixedstring tofloat32 \
    tofloat64 tohour toint128 toint16 toint256 toint32 toint64 toint8 tointervalday tointervalhour \
    tointervalminute tointervalmonth tointervalsecond tointervalweek toisoweek toisoyear tojsonstring tominute \
    tomonday tomonth tonullable toquarter torelativedaynum tosecond tostartofday tostartoffifteenminutes \
    tostartoffiveminutes tostartofhour tostartofinterval tostartofminute tostartofmonth tostartofquarter \
    tostartofsecond tostartofweek tostartofyear tostring totimezone totypename touint16 touint256 touint32 touint64 \
    touint8 tounixtimestamp touuid toweek toyear toyyyymm toyyyymmdd toyyyymmddhhmmss trim tuple tupleelement \
    unhex upper upperutf8 uptime user version xor yesterday zeros \
    dense_rank first_value lag laginframe last_value lead leadinframe ntile rank row_number";

/// Aggregate functions; each has relatives that end in one of [`COMBINATORS`].
const AGGREGATES: &str = "\
    any anyheavy anylast argmax argmin avg avgweighted corr count covarpop covarsamp grouparray groupbitand \
    groupbitor groupuniqarray max median min quantile quantileexact quantiles quantiletdigest quantiletiming \
    stddevpop stddevsamp sum summap sumwithoverflow topk uniq uniqcombined uniqcombined64 uniqexact uniqhll12 \
    varpop varsamp";

const COMBINATORS: &[&str] =
    &["array", "distinct", "foreach", "if", "merge", "ordefault", "ornull", "state"];

/// Functions that reach for files, programs, other servers or the server's own state.
const REACHES: &str = "\
    azureblobstorage catboostevaluate cluster clusterallreplicas deltalake executable file filecluster gcs hdfs \
    hdfscluster hudi iceberg input jdbc merge mongodb mysql odbc postgresql redis remote remotesecure s3 s3cluster \
    sqlite url urlcluster";

fn lists(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known.eq_ignore_ascii_case(name))
}

/// What a function does: a class of `sql.function_effects`.
pub(super) fn class(name: &str) -> &'static str {
    let aggregate = |name: &str| lists(AGGREGATES, name);
    match name {
        "sleep" | "sleepeachrow" => "wait",
        _ if lists(REACHES, name) => "file",
        _ if lists(COMPUTES, name) || aggregate(name) => "read",
        _ if COMBINATORS.iter().any(|end| name.strip_suffix(end).is_some_and(aggregate)) => "read",
        _ => "unknown",
    }
}

/// SHOW, DESCRIBE and EXISTS: names and patterns, and nowhere a function or a file to write.
pub(super) fn shows(text: &str, piece: &[Word]) -> Result<Statement, String> {
    let plain = |word: &Word| match word.kind {
        Kind::Sign => matches!(&text[word.place.clone()], "." | "=" | ","),
        _ => !matches!(word.bare(text).as_str(), "into" | "outfile" | "settings"),
    };
    if piece.len() < 2 || !piece.iter().all(plain) {
        return Err("what it shows is not read".to_owned());
    }
    let show = piece[0].bare(text) == "show";
    Ok(Statement::new(if show { "show" } else { "describe" }, Effect::Read))
}
