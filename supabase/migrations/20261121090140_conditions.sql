-- Conditions are trees of JSON over the fields of a record: webhooks, pipelines, segments and rules
-- ask them. What they mean is decided in the domain, which raises these.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'condition.malformed', 400, 'At {path} there is neither a branch nor a leaf of a condition.',
    'Write {"all": […]}, {"any": […]} or {"not": …} over {"field": …, "op": …, "value": …}.'
),
(
    'condition.field_invalid', 400, 'At {path} there is no path to a field.',
    'Write names with dots between them, such as data.stage.'
),
(
    'condition.operator_unknown', 400, 'At {path} there is no operator.',
    'Use =, !=, <, <=, >, >=, in, between, contains, starts_with, ends_with, matches, is_null, '
    'is_not_null or changed.'
),
(
    'condition.field_unknown', 400, 'At {path} is the name of a field that there is not.',
    'The message names it; fields of your own are custom.… in conditions.'
),
(
    'condition.fields_malformed', 500, 'What conditions may ask for is described wrongly.',
    'Correct what the message names in the description of the fields.'
),
(
    'condition.operator_unfit', 400, 'The operator at {path} is not for fields of this type.',
    'The message says which type the field has.'
),
(
    'condition.value_invalid', 400, 'The value at {path} is none for its operator.',
    'The message says what the operator takes.'
),
(
    'condition.pattern_invalid', 400, 'At {path} there is no regular expression, or a large one.',
    'Write a shorter one, without look-around, back-references and high counts.'
),
(
    'condition.too_deep', 400, 'A condition has 8 levels at most.',
    'Put branches of one kind together.'
),
(
    'condition.too_large', 413, 'A condition has 64 nodes, 8 patterns and 16384 bytes at most.',
    'Use in for a list of values, or several conditions.'
);
