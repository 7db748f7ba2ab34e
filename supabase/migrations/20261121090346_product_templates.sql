-- The mails of the engines, in English and German: what is due, won, raised, offered and invoiced.
--
-- Their kinds stand here, before the parts that send them, so that tenants can write their own.

set local lock_timeout = '5s';

insert into core.template_kinds (
    template, description, is_open_to_tenants, variables, links
)
values
(
    'crm.task_due',
    'A task has become due.',
    true,
    '{
        "title": {"type": "text", "sample": "Call Ann back"},
        "due_at": {"type": "datetime", "sample": "2026-11-28T14:05:00Z"},
        "about": {"type": "text", "optional": true, "sample": "Ann Example"},
        "note": {"type": "text", "optional": true, "sample": "She asked for a test drive."},
        "url": {"type": "url", "optional": true, "sample": "https://app.example.com/42"}
    }',
    '{}'
),
(
    'crm.deal_won',
    'A deal was won.',
    true,
    '{
        "title": {"type": "text", "sample": "Fleet of 12"},
        "customer": {"type": "text", "sample": "Example Ltd"},
        "amount": {
            "type": "money",
            "sample": {"amount_minor": 24990000, "currency": "EUR"}
        },
        "owner": {"type": "text", "sample": "Ada"},
        "won_at": {"type": "datetime", "sample": "2026-11-21T14:05:00Z"},
        "url": {"type": "url", "sample": "https://app.example.com/42"}
    }',
    '{}'
),
(
    'iot.alarm_raised',
    'A device has raised an alarm.',
    true,
    '{
        "alarm": {"type": "text", "sample": "Too warm"},
        "device": {"type": "text", "sample": "truck-1"},
        "severity": {"type": "text", "sample": "critical"},
        "value": {"type": "number", "optional": true, "sample": 41.5},
        "unit": {"type": "text", "optional": true, "sample": "°C"},
        "raised_at": {"type": "datetime", "sample": "2026-11-21T14:05:00Z"},
        "url": {"type": "url", "sample": "https://app.example.com/42"}
    }',
    '{}'
),
(
    'auto.offer_sent',
    'An offer for a vehicle, to the customer.',
    true,
    '{
        "vehicle": {"type": "text", "sample": "Example GT 2.0"},
        "price": {"type": "money", "sample": {"amount_minor": 2499000, "currency": "EUR"}},
        "valid_until": {"type": "date", "sample": "2026-12-05"},
        "message": {
            "type": "text",
            "optional": true,
            "sample": "As discussed on the phone."
        },
        "url": {"type": "url", "sample": "https://app.example.com/42"}
    }',
    '{}'
),
(
    'auto.outbid',
    'Another has bid more.',
    true,
    '{
        "vehicle": {"type": "text", "sample": "Example GT 2.0"},
        "your_bid": {
            "type": "money",
            "sample": {"amount_minor": 1200000, "currency": "EUR"}
        },
        "highest_bid": {
            "type": "money",
            "sample": {"amount_minor": 1250000, "currency": "EUR"}
        },
        "ends_at": {"type": "datetime", "sample": "2026-11-28T14:05:00Z"},
        "url": {"type": "url", "sample": "https://app.example.com/42"}
    }',
    '{}'
),
(
    'auto.invoice',
    'An invoice, to the customer.',
    true,
    '{
        "number": {"type": "text", "sample": "2026-0042"},
        "issued_on": {"type": "date", "sample": "2026-11-21"},
        "due_on": {"type": "date", "sample": "2026-12-05"},
        "total": {"type": "money", "sample": {"amount_minor": 119000, "currency": "EUR"}},
        "url": {"type": "url", "sample": "https://app.example.com/42"},
        "lines": {
            "type": "list",
            "fields": {
                "title": {"type": "text", "sample": "Winter tyres, mounted"},
                "amount": {
                    "type": "money",
                    "sample": {"amount_minor": 119000, "currency": "EUR"}
                }
            }
        }
    }',
    '{}'
);

select core.ship_template(
    'crm.task_due', 'en',
    'Due: {{ title }}',
    '{{ due_at }}',
    jsonb '{"heading": "{{ title }}"}',
    jsonb '{"paragraph": "This task is due."}',
    jsonb '{"details": [["Due", "{{ due_at }}"], ["About", "{{ about|default(\"-\") }}"]]}',
    jsonb '{"if": "note", "paragraph": "{{ note }}"}',
    jsonb '{"if": "url", "button": ["Open task", "url"]}'
);

select core.ship_template(
    'crm.task_due', 'de',
    'Fällig: {{ title }}',
    '{{ due_at }}',
    jsonb '{"heading": "{{ title }}"}',
    jsonb '{"paragraph": "Diese Aufgabe ist fällig."}',
    jsonb '{"details": [["Fällig", "{{ due_at }}"], ["Betrifft", "{{ about|default(\"-\") }}"]]}',
    jsonb '{"if": "note", "paragraph": "{{ note }}"}',
    jsonb '{"if": "url", "button": ["Aufgabe öffnen", "url"]}'
);

select core.ship_template(
    'crm.deal_won', 'en',
    'Won: {{ title }}',
    '{{ amount }} from {{ customer }}',
    jsonb '{"heading": "{{ title }} is won"}',
    jsonb '{"paragraph": "{{ owner }} has won a deal."}',
    (
        '{"details": [["Customer", "{{ customer }}"], ["Amount", "{{ amount }}"], ["On", "{{ '
        || 'won_at|date }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Open deal", "url"]}'
);

select core.ship_template(
    'crm.deal_won', 'de',
    'Gewonnen: {{ title }}',
    '{{ amount }} von {{ customer }}',
    jsonb '{"heading": "{{ title }} ist gewonnen"}',
    jsonb '{"paragraph": "{{ owner }} hat ein Geschäft gewonnen."}',
    (
        '{"details": [["Kunde", "{{ customer }}"], ["Betrag", "{{ amount }}"], ["Am", "{{ '
        || 'won_at|date }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Geschäft öffnen", "url"]}'
);

select core.ship_template(
    'iot.alarm_raised', 'en',
    '{{ severity|upper }}: {{ alarm }} at {{ device }}',
    'Since {{ raised_at }}',
    jsonb '{"heading": "{{ alarm }}"}',
    jsonb '{"paragraph": "{{ device }} has raised an alarm."}',
    (
        '{"details": [["Device", "{{ device }}"], ["Severity", "{{ severity }}"], ["Value", '
        || '"{% if value or value == 0 %}{{ value }} {{ unit|default(\"\") }}{% else %}-{% '
        || 'endif %}"], ["Since", "{{ raised_at }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Open alarm", "url"]}'
);

select core.ship_template(
    'iot.alarm_raised', 'de',
    '{{ severity|upper }}: {{ alarm }} an {{ device }}',
    'Seit {{ raised_at }}',
    jsonb '{"heading": "{{ alarm }}"}',
    jsonb '{"paragraph": "{{ device }} hat einen Alarm ausgelöst."}',
    (
        '{"details": [["Gerät", "{{ device }}"], ["Schwere", "{{ severity }}"], ["Wert", "{% '
        || 'if value or value == 0 %}{{ value }} {{ unit|default(\"\") }}{% else %}-{% endif '
        || '%}"], ["Seit", "{{ raised_at }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Alarm öffnen", "url"]}'
);

select core.ship_template(
    'auto.offer_sent', 'en',
    'Your offer for {{ vehicle }}',
    '{{ price }}, valid until {{ valid_until }}',
    jsonb '{"heading": "Your offer"}',
    jsonb '{"if": "message", "paragraph": "{{ message }}"}',
    (
        '{"details": [["Vehicle", "{{ vehicle }}"], ["Price", "{{ price }}"], ["Valid '
        || 'until", "{{ valid_until }}"]]}'
    )::jsonb,
    jsonb '{"button": ["View offer", "url"]}'
);

select core.ship_template(
    'auto.offer_sent', 'de',
    'Ihr Angebot für {{ vehicle }}',
    '{{ price }}, gültig bis {{ valid_until }}',
    jsonb '{"heading": "Ihr Angebot"}',
    jsonb '{"if": "message", "paragraph": "{{ message }}"}',
    (
        '{"details": [["Fahrzeug", "{{ vehicle }}"], ["Preis", "{{ price }}"], ["Gültig '
        || 'bis", "{{ valid_until }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Angebot ansehen", "url"]}'
);

select core.ship_template(
    'auto.outbid', 'en',
    'You were outbid for {{ vehicle }}',
    'The highest bid is {{ highest_bid }}.',
    jsonb '{"heading": "You were outbid"}',
    (
        '{"paragraph": "Somebody has bid more for {{ vehicle }}. You can bid until {{ '
        || 'ends_at }}."}'
    )::jsonb,
    (
        '{"details": [["Your bid", "{{ your_bid }}"], ["Highest bid", "{{ highest_bid }}"], '
        || '["Ends", "{{ ends_at }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Bid again", "url"]}'
);

select core.ship_template(
    'auto.outbid', 'de',
    'Sie wurden bei {{ vehicle }} überboten',
    'Das höchste Gebot ist {{ highest_bid }}.',
    jsonb '{"heading": "Sie wurden überboten"}',
    (
        '{"paragraph": "Für {{ vehicle }} wurde mehr geboten. Sie können bis {{ ends_at }} '
        || 'bieten."}'
    )::jsonb,
    (
        '{"details": [["Ihr Gebot", "{{ your_bid }}"], ["Höchstes Gebot", "{{ highest_bid '
        || '}}"], ["Endet", "{{ ends_at }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Erneut bieten", "url"]}'
);

select core.ship_template(
    'auto.invoice', 'en',
    'Invoice {{ number }}',
    '{{ total }}, due {{ due_on }}',
    jsonb '{"heading": "Invoice {{ number }}"}',
    jsonb '{"paragraph": "Thank you. This is what we invoice you for."}',
    jsonb '{"lines": ["line", "lines"]}',
    (
        '{"details": [["Total", "{{ total }}"], ["Date", "{{ issued_on }}"], ["Due", "{{ '
        || 'due_on }}"]]}'
    )::jsonb,
    jsonb '{"button": ["View invoice", "url"]}'
);

select core.ship_template(
    'auto.invoice', 'de',
    'Rechnung {{ number }}',
    '{{ total }}, fällig am {{ due_on }}',
    jsonb '{"heading": "Rechnung {{ number }}"}',
    jsonb '{"paragraph": "Vielen Dank. Wir stellen Ihnen in Rechnung:"}',
    jsonb '{"lines": ["line", "lines"]}',
    (
        '{"details": [["Summe", "{{ total }}"], ["Datum", "{{ issued_on }}"], ["Fällig", "{{ '
        || 'due_on }}"]]}'
    )::jsonb,
    jsonb '{"button": ["Rechnung ansehen", "url"]}'
);
