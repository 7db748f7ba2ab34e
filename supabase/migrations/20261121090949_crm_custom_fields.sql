-- Which records of the CRM may have fields of the tenant's own.

set local lock_timeout = '5s';

select core.attach_custom_fields(object)
from
    unnest(array[
        'crm.companies', 'crm.contacts', 'crm.leads', 'crm.products', 'crm.deals', 'crm.activities'
    ]) as object;
