-- Why a statistic of anyone's table is refused.
--
-- The statistics themselves are functions and aggregates of the extension: they need no table.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'statistics.argument_invalid', 400, 'An argument is outside of what the function takes.',
    'Choose it within the limits that the message names.'
),
(
    'statistics.partial_corrupt', 400, 'These bytes are no partial of a statistic.',
    'Compute the partial again from its rows.'
),
(
    'statistics.partial_kind', 400, 'The function takes partials of another aggregate.',
    'Compare tenon.partial_kind of the partial with what the message names.'
),
(
    'statistics.partials_mixed', 400, 'Partials of several kinds or settings do not add up.',
    'Roll up the partials of one aggregate with one setting.'
),
(
    'statistics.partials_overlap', 400, 'The time ranges of partials overlap.',
    'Make the partials from time ranges that end before the next begins.'
),
(
    'statistics.time_infinite', 400, 'A time is infinite.',
    'Leave out rows whose time is -infinity or infinity.'
),
(
    'statistics.too_large', 413, 'A group has more rows than one state can hold.',
    'Group by a bucket of time, and roll the partials up.'
);
