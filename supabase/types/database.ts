export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "v1": {
    Tables: {
      [_ in never]: never;
    };
    Views: {
      "activities": {
        Row: {
          "body": string | null;
          "created_at": string;
          "created_by": string | null;
          "custom": NonNullable<Json>;
          "direction": string | null;
          "done_at": string | null;
          "due_at": string | null;
          "ends_at": string | null;
          "external_id": string | null;
          "id": string;
          "is_pinned": boolean;
          "outcome": string | null;
          "owner_id": string | null;
          "priority": string;
          "remind_at": string | null;
          "reminded_at": string | null;
          "source": string | null;
          "starts_at": string | null;
          "subject": string;
          "team_id": string | null;
          "tenant_id": string;
          "type": string;
          "updated_at": string;
          "updated_by": string | null;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "body"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "custom"?: Json | null;
          "direction"?: string | null;
          "done_at"?: string | null;
          "due_at"?: string | null;
          "ends_at"?: string | null;
          "external_id"?: string | null;
          "id"?: string | null;
          "is_pinned"?: boolean | null;
          "outcome"?: string | null;
          "owner_id"?: string | null;
          "priority"?: string | null;
          "remind_at"?: string | null;
          "reminded_at"?: string | null;
          "source"?: string | null;
          "starts_at"?: string | null;
          "subject"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "type"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Update: {
          "body"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "custom"?: Json | null;
          "direction"?: string | null;
          "done_at"?: string | null;
          "due_at"?: string | null;
          "ends_at"?: string | null;
          "external_id"?: string | null;
          "id"?: string | null;
          "is_pinned"?: boolean | null;
          "outcome"?: string | null;
          "owner_id"?: string | null;
          "priority"?: string | null;
          "remind_at"?: string | null;
          "reminded_at"?: string | null;
          "source"?: string | null;
          "starts_at"?: string | null;
          "subject"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "type"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "activities_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "activities_tenant_id_team_id_fkey";
            columns: ["tenant_id", "team_id"];
            isOneToOne: false;
            referencedRelation: "teams";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "activity_links": {
        Row: {
          "activity_id": string;
          "created_at": string;
          "created_by": string | null;
          "object": string;
          "record_id": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "activity_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "activity_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "activity_links_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "activity_links_tenant_id_activity_id_fkey";
            columns: ["tenant_id", "activity_id"];
            isOneToOne: false;
            referencedRelation: "activities";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "api_keys": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "expires_at": string | null;
          "hints": (string)[] | null;
          "id": string;
          "last_used_at": string | null;
          "name": string;
          "role": string | null;
          "status": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "api_keys_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "assignment_capacities": {
        Row: {
          "absent_until": string | null;
          "capacity": number;
          "open_max": number | null;
          "team_id": string;
          "tenant_id": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "absent_until"?: string | null;
          "capacity"?: number | null;
          "open_max"?: number | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "absent_until"?: string | null;
          "capacity"?: number | null;
          "open_max"?: number | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "assignment_capacities_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "assignment_rules": {
        Row: {
          "condition": Json | null;
          "created_at": string;
          "created_by": string | null;
          "id": string;
          "is_active": boolean;
          "name": string;
          "object": string;
          "position": number;
          "strategy": string | null;
          "team_id": string | null;
          "tenant_id": string;
          "updated_at": string;
          "updated_by": string | null;
          "user_id": string | null;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "condition"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "is_active"?: boolean | null;
          "name"?: string | null;
          "object"?: string | null;
          "position"?: number | null;
          "strategy"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "user_id"?: string | null;
          "version"?: number | null;
        };
        Update: {
          "condition"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "is_active"?: boolean | null;
          "name"?: string | null;
          "object"?: string | null;
          "position"?: number | null;
          "strategy"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "user_id"?: string | null;
          "version"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "assignment_rules_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "assignment_rules_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "assignment_rules_tenant_id_team_id_fkey";
            columns: ["tenant_id", "team_id"];
            isOneToOne: false;
            referencedRelation: "teams";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "assignments": {
        Row: {
          "assigned_at": string;
          "assigned_by": string | null;
          "cause": string;
          "explanation": NonNullable<Json>;
          "id": string;
          "object": string;
          "record_id": string;
          "rule_id": string | null;
          "rule_name": string | null;
          "rule_version": number | null;
          "strategy": string | null;
          "team_id": string | null;
          "tenant_id": string;
          "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "assigned_at"?: string | null;
          "assigned_by"?: string | null;
          "cause"?: string | null;
          "explanation"?: Json | null;
          "id"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "rule_id"?: string | null;
          "rule_name"?: string | null;
          "rule_version"?: number | null;
          "strategy"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "assigned_at"?: string | null;
          "assigned_by"?: string | null;
          "cause"?: string | null;
          "explanation"?: Json | null;
          "id"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "rule_id"?: string | null;
          "rule_name"?: string | null;
          "rule_version"?: number | null;
          "strategy"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "assignments_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "attachments": {
        Row: {
          "bucket": string;
          "created_at": string;
          "created_by": string | null;
          "id": string;
          "media_type": string | null;
          "name": string;
          "object": string;
          "path": string;
          "record_id": string;
          "size_bytes": number | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "bucket"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "media_type"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "path"?: string | null;
          "record_id"?: string | null;
          "size_bytes"?: number | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "bucket"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "media_type"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "path"?: string | null;
          "record_id"?: string | null;
          "size_bytes"?: number | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "attachments_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
        ];
      };
      "audit": {
        Row: {
          "address": string | null;
          "at": string;
          "caller_id": string | null;
          "caller_kind": string;
          "details": Json | null;
          "event": string | null;
          "id": number;
          "key": Json | null;
          "method": string | null;
          "new": Json | null;
          "old": Json | null;
          "operation": string;
          "path": string | null;
          "request_id": string | null;
          "table_name": string | null;
          "tenant_id": string;
          "user_agent": string | null;
        };
        ComputedFields: never;
        Insert: {
          "address"?: never;
          "at"?: string | null;
          "caller_id"?: string | null;
          "caller_kind"?: string | null;
          "details"?: Json | null;
          "event"?: string | null;
          "id"?: number | null;
          "key"?: Json | null;
          "method"?: never;
          "new"?: Json | null;
          "old"?: Json | null;
          "operation"?: string | null;
          "path"?: never;
          "request_id"?: never;
          "table_name"?: string | null;
          "tenant_id"?: string | null;
          "user_agent"?: never;
        };
        Update: {
          "address"?: never;
          "at"?: string | null;
          "caller_id"?: string | null;
          "caller_kind"?: string | null;
          "details"?: Json | null;
          "event"?: string | null;
          "id"?: number | null;
          "key"?: Json | null;
          "method"?: never;
          "new"?: Json | null;
          "old"?: Json | null;
          "operation"?: string | null;
          "path"?: never;
          "request_id"?: never;
          "table_name"?: string | null;
          "tenant_id"?: string | null;
          "user_agent"?: never;
        };
        Relationships: [];
      };
      "brands": {
        Row: {
          "app_url": string | null;
          "background_color": string | null;
          "color": string | null;
          "created_at": string;
          "created_by": string | null;
          "footer": string | null;
          "from_address": string | null;
          "from_address_is_verified": boolean | null;
          "logo_url": string | null;
          "name": string | null;
          "reply_to": string | null;
          "slug": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "app_url"?: string | null;
          "background_color"?: string | null;
          "color"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "footer"?: string | null;
          "from_address"?: string | null;
          "from_address_is_verified"?: never;
          "logo_url"?: string | null;
          "name"?: string | null;
          "reply_to"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "app_url"?: string | null;
          "background_color"?: string | null;
          "color"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "footer"?: string | null;
          "from_address"?: string | null;
          "from_address_is_verified"?: never;
          "logo_url"?: string | null;
          "name"?: string | null;
          "reply_to"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "brands_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "companies": {
        Row: {
          "annual_revenue_minor": number | null;
          "created_at": string;
          "created_by": string | null;
          "currency": string | null;
          "custom": NonNullable<Json>;
          "description": string | null;
          "domain": string | null;
          "email": string | null;
          "employee_count": number | null;
          "external_id": string | null;
          "id": string;
          "industry": string | null;
          "kind": string;
          "language": string | null;
          "name": string;
          "owner_id": string | null;
          "parent_id": string | null;
          "phone": string | null;
          "source": string | null;
          "team_id": string | null;
          "tenant_id": string;
          "updated_at": string;
          "updated_by": string | null;
          "vat_number": string | null;
          "version": number;
          "website": string | null;
        };
        ComputedFields: never;
        Insert: {
          "annual_revenue_minor"?: number | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "domain"?: string | null;
          "email"?: string | null;
          "employee_count"?: number | null;
          "external_id"?: string | null;
          "id"?: string | null;
          "industry"?: string | null;
          "kind"?: string | null;
          "language"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "parent_id"?: string | null;
          "phone"?: string | null;
          "source"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "vat_number"?: string | null;
          "version"?: number | null;
          "website"?: string | null;
        };
        Update: {
          "annual_revenue_minor"?: number | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "domain"?: string | null;
          "email"?: string | null;
          "employee_count"?: number | null;
          "external_id"?: string | null;
          "id"?: string | null;
          "industry"?: string | null;
          "kind"?: string | null;
          "language"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "parent_id"?: string | null;
          "phone"?: string | null;
          "source"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "vat_number"?: string | null;
          "version"?: number | null;
          "website"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "companies_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "companies_tenant_id_parent_id_fkey";
            columns: ["tenant_id", "parent_id"];
            isOneToOne: false;
            referencedRelation: "companies";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "companies_tenant_id_team_id_fkey";
            columns: ["tenant_id", "team_id"];
            isOneToOne: false;
            referencedRelation: "teams";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "consents": {
        Row: {
          "channel": string | null;
          "email": string | null;
          "given_at": string;
          "id": string;
          "legal_basis": string;
          "phone": string | null;
          "proof_text": string | null;
          "proof_version": string | null;
          "purpose": string;
          "recorded_at": string;
          "recorded_by": string | null;
          "source": string;
          "tenant_id": string;
          "user_id": string | null;
          "withdrawn_at": string | null;
          "withdrawn_source": string | null;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "consents_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "contact_companies": {
        Row: {
          "company_id": string;
          "contact_id": string;
          "created_at": string;
          "created_by": string | null;
          "ended_on": string | null;
          "job_title": string | null;
          "started_on": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "company_id"?: string | null;
          "contact_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "ended_on"?: string | null;
          "job_title"?: string | null;
          "started_on"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "company_id"?: string | null;
          "contact_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "ended_on"?: string | null;
          "job_title"?: string | null;
          "started_on"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "contact_companies_tenant_id_company_id_fkey";
            columns: ["tenant_id", "company_id"];
            isOneToOne: false;
            referencedRelation: "companies";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "contact_companies_tenant_id_contact_id_fkey";
            columns: ["tenant_id", "contact_id"];
            isOneToOne: false;
            referencedRelation: "contacts";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "contact_points": {
        Row: {
          "city": string | null;
          "company_id": string | null;
          "contact_id": string | null;
          "country_code": string | null;
          "created_at": string;
          "created_by": string | null;
          "id": string;
          "kind": string;
          "label": string;
          "position": number;
          "postal_code": string | null;
          "region": string | null;
          "street": string | null;
          "tenant_id": string;
          "value": string | null;
        };
        ComputedFields: never;
        Insert: {
          "city"?: string | null;
          "company_id"?: string | null;
          "contact_id"?: string | null;
          "country_code"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "kind"?: string | null;
          "label"?: string | null;
          "position"?: number | null;
          "postal_code"?: string | null;
          "region"?: string | null;
          "street"?: string | null;
          "tenant_id"?: string | null;
          "value"?: string | null;
        };
        Update: {
          "city"?: string | null;
          "company_id"?: string | null;
          "contact_id"?: string | null;
          "country_code"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "kind"?: string | null;
          "label"?: string | null;
          "position"?: number | null;
          "postal_code"?: string | null;
          "region"?: string | null;
          "street"?: string | null;
          "tenant_id"?: string | null;
          "value"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "contact_points_tenant_id_company_id_fkey";
            columns: ["tenant_id", "company_id"];
            isOneToOne: false;
            referencedRelation: "companies";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "contact_points_tenant_id_contact_id_fkey";
            columns: ["tenant_id", "contact_id"];
            isOneToOne: false;
            referencedRelation: "contacts";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "contacts": {
        Row: {
          "birth_date": string | null;
          "company_id": string | null;
          "created_at": string;
          "created_by": string | null;
          "custom": NonNullable<Json>;
          "description": string | null;
          "do_not_contact": boolean;
          "email": string | null;
          "external_id": string | null;
          "family_name": string | null;
          "given_name": string | null;
          "id": string;
          "job_title": string | null;
          "language": string | null;
          "name": string;
          "owner_id": string | null;
          "phone": string | null;
          "salutation": string | null;
          "source": string | null;
          "team_id": string | null;
          "tenant_id": string;
          "updated_at": string;
          "updated_by": string | null;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "birth_date"?: string | null;
          "company_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "do_not_contact"?: boolean | null;
          "email"?: string | null;
          "external_id"?: string | null;
          "family_name"?: string | null;
          "given_name"?: string | null;
          "id"?: string | null;
          "job_title"?: string | null;
          "language"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "phone"?: string | null;
          "salutation"?: string | null;
          "source"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Update: {
          "birth_date"?: string | null;
          "company_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "do_not_contact"?: boolean | null;
          "email"?: string | null;
          "external_id"?: string | null;
          "family_name"?: string | null;
          "given_name"?: string | null;
          "id"?: string | null;
          "job_title"?: string | null;
          "language"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "phone"?: string | null;
          "salutation"?: string | null;
          "source"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "contacts_tenant_id_company_id_fkey";
            columns: ["tenant_id", "company_id"];
            isOneToOne: false;
            referencedRelation: "companies";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "contacts_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "contacts_tenant_id_team_id_fkey";
            columns: ["tenant_id", "team_id"];
            isOneToOne: false;
            referencedRelation: "teams";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "conversions": {
        Row: {
          "company_created": boolean;
          "company_id": string | null;
          "company_rule": string;
          "contact_created": boolean;
          "contact_id": string | null;
          "contact_rule": string;
          "converted_at": string;
          "converted_by": string | null;
          "deal_id": string | null;
          "decision": NonNullable<Json>;
          "id": string;
          "lead_id": string;
          "stage_after": string | null;
          "stage_before": string | null;
          "tenant_id": string;
          "undo_until": string;
          "undone": Json | null;
          "undone_at": string | null;
          "undone_by": string | null;
        };
        ComputedFields: never;
        Insert: {
          "company_created"?: boolean | null;
          "company_id"?: string | null;
          "company_rule"?: string | null;
          "contact_created"?: boolean | null;
          "contact_id"?: string | null;
          "contact_rule"?: string | null;
          "converted_at"?: string | null;
          "converted_by"?: string | null;
          "deal_id"?: string | null;
          "decision"?: Json | null;
          "id"?: string | null;
          "lead_id"?: string | null;
          "stage_after"?: string | null;
          "stage_before"?: string | null;
          "tenant_id"?: string | null;
          "undo_until"?: string | null;
          "undone"?: Json | null;
          "undone_at"?: string | null;
          "undone_by"?: string | null;
        };
        Update: {
          "company_created"?: boolean | null;
          "company_id"?: string | null;
          "company_rule"?: string | null;
          "contact_created"?: boolean | null;
          "contact_id"?: string | null;
          "contact_rule"?: string | null;
          "converted_at"?: string | null;
          "converted_by"?: string | null;
          "deal_id"?: string | null;
          "decision"?: Json | null;
          "id"?: string | null;
          "lead_id"?: string | null;
          "stage_after"?: string | null;
          "stage_before"?: string | null;
          "tenant_id"?: string | null;
          "undo_until"?: string | null;
          "undone"?: Json | null;
          "undone_at"?: string | null;
          "undone_by"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "conversions_tenant_id_company_id_fkey";
            columns: ["tenant_id", "company_id"];
            isOneToOne: false;
            referencedRelation: "companies";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "conversions_tenant_id_contact_id_fkey";
            columns: ["tenant_id", "contact_id"];
            isOneToOne: false;
            referencedRelation: "contacts";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "conversions_tenant_id_deal_id_fkey";
            columns: ["tenant_id", "deal_id"];
            isOneToOne: false;
            referencedRelation: "deal_forecast";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "conversions_tenant_id_deal_id_fkey";
            columns: ["tenant_id", "deal_id"];
            isOneToOne: false;
            referencedRelation: "deals";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "conversions_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "conversions_tenant_id_lead_id_fkey";
            columns: ["tenant_id", "lead_id"];
            isOneToOne: false;
            referencedRelation: "leads";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "custom_field_objects": {
        Row: {
          "object": string;
          "singular": string;
        };
        ComputedFields: never;
        Insert: {
          "object"?: string | null;
          "singular"?: string | null;
        };
        Update: {
          "object"?: string | null;
          "singular"?: string | null;
        };
        Relationships: [];
      };
      "custom_fields": {
        Row: {
          "archived_at": string | null;
          "created_at": string;
          "created_by": string | null;
          "definition": NonNullable<Json>;
          "description": string | null;
          "field": string;
          "is_indexed": boolean | null;
          "is_required": boolean | null;
          "is_unique": boolean | null;
          "label": string | null;
          "object": string;
          "position": number;
          "tenant_id": string;
          "type": string | null;
          "updated_at": string;
          "updated_by": string | null;
          "values_state": string | null;
        };
        ComputedFields: never;
        Insert: {
          "archived_at"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "definition"?: Json | null;
          "description"?: never;
          "field"?: string | null;
          "is_indexed"?: never;
          "is_required"?: never;
          "is_unique"?: never;
          "label"?: never;
          "object"?: string | null;
          "position"?: number | null;
          "tenant_id"?: string | null;
          "type"?: never;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "values_state"?: string | null;
        };
        Update: {
          "archived_at"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "definition"?: Json | null;
          "description"?: never;
          "field"?: string | null;
          "is_indexed"?: never;
          "is_required"?: never;
          "is_unique"?: never;
          "label"?: never;
          "object"?: string | null;
          "position"?: number | null;
          "tenant_id"?: string | null;
          "type"?: never;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "values_state"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "custom_fields_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "custom_fields_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "data_map": {
        Row: {
          "category": string;
          "column_name": string;
          "erasure": string;
          "reason": string | null;
          "retention": string | null;
          "retention_from": string | null;
          "subject": string;
          "table_name": string;
          "table_schema": string;
        };
        ComputedFields: never;
        Insert: {
          "category"?: string | null;
          "column_name"?: string | null;
          "erasure"?: string | null;
          "reason"?: string | null;
          "retention"?: string | null;
          "retention_from"?: string | null;
          "subject"?: string | null;
          "table_name"?: string | null;
          "table_schema"?: string | null;
        };
        Update: {
          "category"?: string | null;
          "column_name"?: string | null;
          "erasure"?: string | null;
          "reason"?: string | null;
          "retention"?: string | null;
          "retention_from"?: string | null;
          "subject"?: string | null;
          "table_name"?: string | null;
          "table_schema"?: string | null;
        };
        Relationships: [];
      };
      "deal_contacts": {
        Row: {
          "contact_id": string;
          "created_at": string;
          "created_by": string | null;
          "deal_id": string;
          "role": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "contact_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "deal_id"?: string | null;
          "role"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "contact_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "deal_id"?: string | null;
          "role"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "deal_contacts_tenant_id_contact_id_fkey";
            columns: ["tenant_id", "contact_id"];
            isOneToOne: false;
            referencedRelation: "contacts";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "deal_contacts_tenant_id_deal_id_fkey";
            columns: ["tenant_id", "deal_id"];
            isOneToOne: false;
            referencedRelation: "deal_forecast";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "deal_contacts_tenant_id_deal_id_fkey";
            columns: ["tenant_id", "deal_id"];
            isOneToOne: false;
            referencedRelation: "deals";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "deal_forecast": {
        Row: {
          "amount_minor": number | null;
          "category": string | null;
          "closed_at": string | null;
          "currency": string | null;
          "expected_close_on": string | null;
          "id": string;
          "name": string;
          "owner_id": string | null;
          "pipeline_id": string | null;
          "probability": number | null;
          "stage": string | null;
          "stage_kind": string;
          "team_id": string | null;
          "tenant_id": string;
          "weighted_minor": number | null;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "deals_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "deals_tenant_id_team_id_fkey";
            columns: ["tenant_id", "team_id"];
            isOneToOne: false;
            referencedRelation: "teams";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "deal_lines": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "deal_id": string;
          "discount_percent": number;
          "id": string;
          "name": string;
          "position": number;
          "product_id": string | null;
          "quantity": number;
          "tenant_id": string;
          "total_minor": number;
          "unit_price_minor": number;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "deal_id"?: string | null;
          "discount_percent"?: number | null;
          "id"?: string | null;
          "name"?: string | null;
          "position"?: number | null;
          "product_id"?: string | null;
          "quantity"?: number | null;
          "tenant_id"?: string | null;
          "total_minor"?: number | null;
          "unit_price_minor"?: number | null;
        };
        Update: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "deal_id"?: string | null;
          "discount_percent"?: number | null;
          "id"?: string | null;
          "name"?: string | null;
          "position"?: number | null;
          "product_id"?: string | null;
          "quantity"?: number | null;
          "tenant_id"?: string | null;
          "total_minor"?: number | null;
          "unit_price_minor"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "deal_lines_tenant_id_deal_id_fkey";
            columns: ["tenant_id", "deal_id"];
            isOneToOne: false;
            referencedRelation: "deal_forecast";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "deal_lines_tenant_id_deal_id_fkey";
            columns: ["tenant_id", "deal_id"];
            isOneToOne: false;
            referencedRelation: "deals";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "deal_lines_tenant_id_product_id_fkey";
            columns: ["tenant_id", "product_id"];
            isOneToOne: false;
            referencedRelation: "products";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "deals": {
        Row: {
          "amount_minor": number | null;
          "closed_at": string | null;
          "company_id": string | null;
          "contact_id": string | null;
          "created_at": string;
          "created_by": string | null;
          "currency": string | null;
          "custom": NonNullable<Json>;
          "description": string | null;
          "expected_close_on": string | null;
          "external_id": string | null;
          "forecast_category": string | null;
          "id": string;
          "lost_reason": string | null;
          "name": string;
          "owner_id": string | null;
          "pipeline_id": string | null;
          "pipeline_version_id": string | null;
          "probability": number | null;
          "source": string | null;
          "stage": string | null;
          "stage_entered_at": string;
          "stage_kind": string;
          "team_id": string | null;
          "tenant_id": string;
          "updated_at": string;
          "updated_by": string | null;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "amount_minor"?: number | null;
          "closed_at"?: string | null;
          "company_id"?: string | null;
          "contact_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "expected_close_on"?: string | null;
          "external_id"?: string | null;
          "forecast_category"?: string | null;
          "id"?: string | null;
          "lost_reason"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "probability"?: number | null;
          "source"?: string | null;
          "stage"?: string | null;
          "stage_entered_at"?: string | null;
          "stage_kind"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Update: {
          "amount_minor"?: number | null;
          "closed_at"?: string | null;
          "company_id"?: string | null;
          "contact_id"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "expected_close_on"?: string | null;
          "external_id"?: string | null;
          "forecast_category"?: string | null;
          "id"?: string | null;
          "lost_reason"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "probability"?: number | null;
          "source"?: string | null;
          "stage"?: string | null;
          "stage_entered_at"?: string | null;
          "stage_kind"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "deals_tenant_id_company_id_fkey";
            columns: ["tenant_id", "company_id"];
            isOneToOne: false;
            referencedRelation: "companies";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "deals_tenant_id_contact_id_fkey";
            columns: ["tenant_id", "contact_id"];
            isOneToOne: false;
            referencedRelation: "contacts";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "deals_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "deals_tenant_id_team_id_fkey";
            columns: ["tenant_id", "team_id"];
            isOneToOne: false;
            referencedRelation: "teams";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "stage_is_of_the_pipeline";
            columns: ["tenant_id", "pipeline_id", "pipeline_version_id", "stage"];
            isOneToOne: false;
            referencedRelation: "pipeline_stages";
            referencedColumns: ["tenant_id", "pipeline_id", "pipeline_version_id", "stage"];
          },
        ];
      };
      "deliveries": {
        Row: {
          "attempts": number;
          "brand": string | null;
          "channel": string;
          "created_at": string;
          "created_by": string | null;
          "endpoint_id": string | null;
          "event_number": number | null;
          "event_type": string | null;
          "expires_at": string | null;
          "finished_at": string | null;
          "held_for": string | null;
          "id": string;
          "language": string | null;
          "last_error": string | null;
          "next_attempt_at": string | null;
          "ordering_key": string | null;
          "recipient": string;
          "status": string;
          "subject": string | null;
          "template": string;
          "template_version": number | null;
          "tenant_id": string;
          "worker": string | null;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number | null;
          "brand"?: string | null;
          "channel"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "endpoint_id"?: string | null;
          "event_number"?: number | null;
          "event_type"?: string | null;
          "expires_at"?: string | null;
          "finished_at"?: string | null;
          "held_for"?: string | null;
          "id"?: string | null;
          "language"?: string | null;
          "last_error"?: string | null;
          "next_attempt_at"?: string | null;
          "ordering_key"?: string | null;
          "recipient"?: string | null;
          "status"?: string | null;
          "subject"?: string | null;
          "template"?: string | null;
          "template_version"?: number | null;
          "tenant_id"?: string | null;
          "worker"?: string | null;
        };
        Update: {
          "attempts"?: number | null;
          "brand"?: string | null;
          "channel"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "endpoint_id"?: string | null;
          "event_number"?: number | null;
          "event_type"?: string | null;
          "expires_at"?: string | null;
          "finished_at"?: string | null;
          "held_for"?: string | null;
          "id"?: string | null;
          "language"?: string | null;
          "last_error"?: string | null;
          "next_attempt_at"?: string | null;
          "ordering_key"?: string | null;
          "recipient"?: string | null;
          "status"?: string | null;
          "subject"?: string | null;
          "template"?: string | null;
          "template_version"?: number | null;
          "tenant_id"?: string | null;
          "worker"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "deliveries_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "delivery_alarms": {
        Row: {
          "channel": string;
          "closed_at": string | null;
          "id": string;
          "opened_at": string;
          "tenant_id": string;
          "threshold": string;
          "waiting_since": string;
        };
        ComputedFields: never;
        Insert: {
          "channel"?: string | null;
          "closed_at"?: string | null;
          "id"?: string | null;
          "opened_at"?: string | null;
          "tenant_id"?: string | null;
          "threshold"?: string | null;
          "waiting_since"?: string | null;
        };
        Update: {
          "channel"?: string | null;
          "closed_at"?: string | null;
          "id"?: string | null;
          "opened_at"?: string | null;
          "tenant_id"?: string | null;
          "threshold"?: string | null;
          "waiting_since"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "delivery_alarms_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "delivery_attempts": {
        Row: {
          "channel": string;
          "delivery_id": string;
          "duration_ms": number | null;
          "ended_at": string;
          "endpoint_id": string | null;
          "error": string | null;
          "number": number;
          "outcome": string;
          "phase": string | null;
          "reason": string | null;
          "response": string | null;
          "started_at": string;
          "status_code": number | null;
          "tenant_id": string;
          "worker": string | null;
        };
        ComputedFields: never;
        Insert: {
          "channel"?: string | null;
          "delivery_id"?: string | null;
          "duration_ms"?: number | null;
          "ended_at"?: string | null;
          "endpoint_id"?: string | null;
          "error"?: string | null;
          "number"?: number | null;
          "outcome"?: string | null;
          "phase"?: string | null;
          "reason"?: string | null;
          "response"?: string | null;
          "started_at"?: string | null;
          "status_code"?: number | null;
          "tenant_id"?: string | null;
          "worker"?: string | null;
        };
        Update: {
          "channel"?: string | null;
          "delivery_id"?: string | null;
          "duration_ms"?: number | null;
          "ended_at"?: string | null;
          "endpoint_id"?: string | null;
          "error"?: string | null;
          "number"?: number | null;
          "outcome"?: string | null;
          "phase"?: string | null;
          "reason"?: string | null;
          "response"?: string | null;
          "started_at"?: string | null;
          "status_code"?: number | null;
          "tenant_id"?: string | null;
          "worker"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "delivery_attempts_tenant_id_delivery_id_fkey";
            columns: ["tenant_id", "delivery_id"];
            isOneToOne: false;
            referencedRelation: "deliveries";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "delivery_backlog": {
        Row: {
          "channel": string;
          "deliveries": number | null;
          "due_at": string | null;
          "status": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "deliveries_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "delivery_channels": {
        Row: {
          "channel": string;
          "description": string;
          "pause_reason": string | null;
          "paused_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "channel"?: string | null;
          "description"?: string | null;
          "pause_reason"?: string | null;
          "paused_at"?: string | null;
        };
        Update: {
          "channel"?: string | null;
          "description"?: string | null;
          "pause_reason"?: string | null;
          "paused_at"?: string | null;
        };
        Relationships: [];
      };
      "delivery_pauses": {
        Row: {
          "channel": string;
          "paused_at": string;
          "paused_by": string | null;
          "reason": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "channel"?: string | null;
          "paused_at"?: string | null;
          "paused_by"?: string | null;
          "reason"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "channel"?: string | null;
          "paused_at"?: string | null;
          "paused_by"?: string | null;
          "reason"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "delivery_pauses_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "delivery_receipts": {
        Row: {
          "delivery_id": string | null;
          "detail": string | null;
          "provider_message_id": string;
          "status": string;
          "status_at": string;
          "tenant_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "delivery_id"?: string | null;
          "detail"?: string | null;
          "provider_message_id"?: string | null;
          "status"?: string | null;
          "status_at"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "delivery_id"?: string | null;
          "detail"?: string | null;
          "provider_message_id"?: string | null;
          "status"?: string | null;
          "status_at"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "provider_states_delivery_tenant_id_delivery_id_fkey";
            columns: ["tenant_id", "delivery_id"];
            isOneToOne: false;
            referencedRelation: "deliveries";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "device_credentials": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "device": string;
          "expires_at": string | null;
          "hint": string;
          "id": string;
          "kind": string;
          "last_used_at": string | null;
          "status": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [];
      };
      "devices": {
        Row: {
          "created_at": string;
          "id": string;
          "last_seen_at": string | null;
          "name": string;
          "slug": string;
          "status": string;
          "tenant_id": string;
          "type": string | null;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "id"?: string | null;
          "last_seen_at"?: string | null;
          "name"?: string | null;
          "slug"?: string | null;
          "status"?: string | null;
          "tenant_id"?: string | null;
          "type"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "id"?: string | null;
          "last_seen_at"?: string | null;
          "name"?: string | null;
          "slug"?: string | null;
          "status"?: string | null;
          "tenant_id"?: string | null;
          "type"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "devices_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "email_domain_rules": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "domain": string;
          "effect": string;
          "includes_subdomains": boolean;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "domain"?: string | null;
          "effect"?: string | null;
          "includes_subdomains"?: boolean | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "domain"?: string | null;
          "effect"?: string | null;
          "includes_subdomains"?: boolean | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "email_domain_rules_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "erasures": {
        Row: {
          "counts": NonNullable<Json>;
          "digest": string;
          "erased_at": string;
          "erased_by": string | null;
          "erased_by_kind": string;
          "id": string;
          "is_intact": boolean | null;
          "rows": number;
          "subject_hashes": (string)[];
          "subject_salt": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "counts"?: Json | null;
          "digest"?: string | null;
          "erased_at"?: string | null;
          "erased_by"?: string | null;
          "erased_by_kind"?: string | null;
          "id"?: string | null;
          "is_intact"?: never;
          "rows"?: number | null;
          "subject_hashes"?: (string)[] | null;
          "subject_salt"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "counts"?: Json | null;
          "digest"?: string | null;
          "erased_at"?: string | null;
          "erased_by"?: string | null;
          "erased_by_kind"?: string | null;
          "id"?: string | null;
          "is_intact"?: never;
          "rows"?: number | null;
          "subject_hashes"?: (string)[] | null;
          "subject_salt"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "erasures_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "event_types": {
        Row: {
          "description": string;
          "permission": string;
          "type": string;
        };
        ComputedFields: never;
        Insert: {
          "description"?: string | null;
          "permission"?: string | null;
          "type"?: string | null;
        };
        Update: {
          "description"?: string | null;
          "permission"?: string | null;
          "type"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "event_types_permission_fkey";
            columns: ["permission"];
            isOneToOne: false;
            referencedRelation: "permissions";
            referencedColumns: ["permission"];
          },
        ];
      };
      "events": {
        Row: {
          "actor_id": string | null;
          "actor_kind": string;
          "at": string;
          "data": NonNullable<Json>;
          "number": number;
          "subject_id": string | null;
          "subject_type": string | null;
          "tenant_id": string;
          "type": string;
        };
        ComputedFields: never;
        Insert: {
          "actor_id"?: string | null;
          "actor_kind"?: string | null;
          "at"?: string | null;
          "data"?: Json | null;
          "number"?: number | null;
          "subject_id"?: string | null;
          "subject_type"?: string | null;
          "tenant_id"?: string | null;
          "type"?: string | null;
        };
        Update: {
          "actor_id"?: string | null;
          "actor_kind"?: string | null;
          "at"?: string | null;
          "data"?: Json | null;
          "number"?: number | null;
          "subject_id"?: string | null;
          "subject_type"?: string | null;
          "tenant_id"?: string | null;
          "type"?: string | null;
        };
        Relationships: [];
      };
      "export_log": {
        Row: {
          "exported_at": string;
          "exported_by": string | null;
          "exported_by_kind": string;
          "id": string;
          "is_last": boolean;
          "rows": number;
          "scope": string;
          "subject_hashes": (string)[];
          "subject_salt": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "exported_at"?: string | null;
          "exported_by"?: string | null;
          "exported_by_kind"?: string | null;
          "id"?: string | null;
          "is_last"?: boolean | null;
          "rows"?: number | null;
          "scope"?: string | null;
          "subject_hashes"?: (string)[] | null;
          "subject_salt"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "exported_at"?: string | null;
          "exported_by"?: string | null;
          "exported_by_kind"?: string | null;
          "id"?: string | null;
          "is_last"?: boolean | null;
          "rows"?: number | null;
          "scope"?: string | null;
          "subject_hashes"?: (string)[] | null;
          "subject_salt"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "export_log_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "exports": {
        Row: {
          "exported_at": string;
          "exported_by": string | null;
          "exported_by_kind": string;
          "fields": (string)[];
          "id": string;
          "is_filtered": boolean;
          "is_last": boolean;
          "object": string;
          "row_count": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "exported_at"?: string | null;
          "exported_by"?: string | null;
          "exported_by_kind"?: string | null;
          "fields"?: (string)[] | null;
          "id"?: string | null;
          "is_filtered"?: boolean | null;
          "is_last"?: boolean | null;
          "object"?: string | null;
          "row_count"?: number | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "exported_at"?: string | null;
          "exported_by"?: string | null;
          "exported_by_kind"?: string | null;
          "fields"?: (string)[] | null;
          "id"?: string | null;
          "is_filtered"?: boolean | null;
          "is_last"?: boolean | null;
          "object"?: string | null;
          "row_count"?: number | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "exports_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "exports_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "fields": {
        Row: {
          "description": string;
          "field": string;
          "object": string;
        };
        ComputedFields: never;
        Insert: {
          "description"?: string | null;
          "field"?: string | null;
          "object"?: string | null;
        };
        Update: {
          "description"?: string | null;
          "field"?: string | null;
          "object"?: string | null;
        };
        Relationships: [];
      };
      "import_errors": {
        Row: {
          "cells": Json | null;
          "code": string;
          "column_name": string | null;
          "explanation": string;
          "import_id": string;
          "phase": string;
          "place": number;
          "record_id": string | null;
          "row_number": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "import_errors_tenant_id_import_id_fkey";
            columns: ["tenant_id", "import_id"];
            isOneToOne: false;
            referencedRelation: "imports";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "imports": {
        Row: {
          "check_report": NonNullable<Json>;
          "check_status": string;
          "created_at": string;
          "created_by": string | null;
          "created_count": number;
          "done_row": number;
          "failed_count": number;
          "finished_at": string | null;
          "header": (string)[] | null;
          "id": string;
          "is_complete": boolean;
          "kept_count": number;
          "key": string | null;
          "last_row": number;
          "mapping": Json | null;
          "mode": string;
          "name": string;
          "object": string;
          "piece_count": number;
          "row_count": number;
          "settings": NonNullable<Json>;
          "started_at": string | null;
          "status": string;
          "stop_reason": string | null;
          "tenant_id": string;
          "undone_count": number;
          "updated_count": number;
        };
        ComputedFields: never;
        Insert: {
          "check_report"?: Json | null;
          "check_status"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "created_count"?: number | null;
          "done_row"?: number | null;
          "failed_count"?: number | null;
          "finished_at"?: string | null;
          "header"?: (string)[] | null;
          "id"?: string | null;
          "is_complete"?: boolean | null;
          "kept_count"?: number | null;
          "key"?: string | null;
          "last_row"?: number | null;
          "mapping"?: Json | null;
          "mode"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "piece_count"?: number | null;
          "row_count"?: number | null;
          "settings"?: Json | null;
          "started_at"?: string | null;
          "status"?: string | null;
          "stop_reason"?: string | null;
          "tenant_id"?: string | null;
          "undone_count"?: number | null;
          "updated_count"?: number | null;
        };
        Update: {
          "check_report"?: Json | null;
          "check_status"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "created_count"?: number | null;
          "done_row"?: number | null;
          "failed_count"?: number | null;
          "finished_at"?: string | null;
          "header"?: (string)[] | null;
          "id"?: string | null;
          "is_complete"?: boolean | null;
          "kept_count"?: number | null;
          "key"?: string | null;
          "last_row"?: number | null;
          "mapping"?: Json | null;
          "mode"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "piece_count"?: number | null;
          "row_count"?: number | null;
          "settings"?: Json | null;
          "started_at"?: string | null;
          "status"?: string | null;
          "stop_reason"?: string | null;
          "tenant_id"?: string | null;
          "undone_count"?: number | null;
          "updated_count"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "imports_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "imports_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "inbound_messages": {
        Row: {
          "body": string;
          "error": string | null;
          "external_id": string;
          "headers": NonNullable<Json>;
          "id": string;
          "processed_at": string | null;
          "received_at": string;
          "source_id": string;
          "status": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "body"?: string | null;
          "error"?: string | null;
          "external_id"?: string | null;
          "headers"?: Json | null;
          "id"?: string | null;
          "processed_at"?: string | null;
          "received_at"?: string | null;
          "source_id"?: string | null;
          "status"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "body"?: string | null;
          "error"?: string | null;
          "external_id"?: string | null;
          "headers"?: Json | null;
          "id"?: string | null;
          "processed_at"?: string | null;
          "received_at"?: string | null;
          "source_id"?: string | null;
          "status"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "inbound_messages_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "inbound_messages_tenant_id_source_id_fkey";
            columns: ["tenant_id", "source_id"];
            isOneToOne: false;
            referencedRelation: "webhook_sources";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "invitations": {
        Row: {
          "accepted_by": string | null;
          "created_at": string;
          "created_by": string | null;
          "email": string;
          "expires_at": string;
          "id": string;
          "role": string;
          "status": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "invitations_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "job_schedules": {
        Row: {
          "arguments": NonNullable<Json>;
          "created_at": string;
          "created_by": string | null;
          "enabled": boolean;
          "expression": string;
          "last_error": string | null;
          "last_job_id": string | null;
          "last_run_at": string | null;
          "name": string;
          "next_run_at": string | null;
          "task": string;
          "tenant_id": string;
          "time_zone": string;
        };
        ComputedFields: never;
        Insert: {
          "arguments"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "enabled"?: boolean | null;
          "expression"?: string | null;
          "last_error"?: string | null;
          "last_job_id"?: string | null;
          "last_run_at"?: string | null;
          "name"?: string | null;
          "next_run_at"?: string | null;
          "task"?: string | null;
          "tenant_id"?: string | null;
          "time_zone"?: string | null;
        };
        Update: {
          "arguments"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "enabled"?: boolean | null;
          "expression"?: string | null;
          "last_error"?: string | null;
          "last_job_id"?: string | null;
          "last_run_at"?: string | null;
          "name"?: string | null;
          "next_run_at"?: string | null;
          "task"?: string | null;
          "tenant_id"?: string | null;
          "time_zone"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "job_schedules_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "job_tasks": {
        Row: {
          "description": string;
          "is_open": boolean;
          "task": string;
        };
        ComputedFields: never;
        Insert: {
          "description"?: string | null;
          "is_open"?: boolean | null;
          "task"?: string | null;
        };
        Update: {
          "description"?: string | null;
          "is_open"?: boolean | null;
          "task"?: string | null;
        };
        Relationships: [];
      };
      "jobs": {
        Row: {
          "attempts": number;
          "cancel_requested_at": string | null;
          "created_at": string;
          "created_by": string | null;
          "finished_at": string | null;
          "id": string;
          "last_error": string | null;
          "progress": NonNullable<Json>;
          "result": Json | null;
          "run_at": string;
          "started_at": string | null;
          "status": string;
          "task": string;
          "tenant_id": string;
          "unique_key": string | null;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number | null;
          "cancel_requested_at"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "finished_at"?: string | null;
          "id"?: string | null;
          "last_error"?: string | null;
          "progress"?: Json | null;
          "result"?: Json | null;
          "run_at"?: string | null;
          "started_at"?: string | null;
          "status"?: string | null;
          "task"?: string | null;
          "tenant_id"?: string | null;
          "unique_key"?: string | null;
        };
        Update: {
          "attempts"?: number | null;
          "cancel_requested_at"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "finished_at"?: string | null;
          "id"?: string | null;
          "last_error"?: string | null;
          "progress"?: Json | null;
          "result"?: Json | null;
          "run_at"?: string | null;
          "started_at"?: string | null;
          "status"?: string | null;
          "task"?: string | null;
          "tenant_id"?: string | null;
          "unique_key"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "jobs_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "leads": {
        Row: {
          "amount_minor": number | null;
          "campaign": string | null;
          "city": string | null;
          "company_name": string | null;
          "converted_at": string | null;
          "country_code": string | null;
          "created_at": string;
          "created_by": string | null;
          "currency": string | null;
          "custom": NonNullable<Json>;
          "description": string | null;
          "email": string | null;
          "external_id": string | null;
          "family_name": string | null;
          "first_response_at": string | null;
          "given_name": string | null;
          "id": string;
          "interest": string | null;
          "job_title": string | null;
          "language": string | null;
          "lost_reason": string | null;
          "name": string;
          "owner_id": string | null;
          "phone": string | null;
          "pipeline_id": string | null;
          "pipeline_version_id": string | null;
          "postal_code": string | null;
          "region": string | null;
          "salutation": string | null;
          "score": number | null;
          "source": string | null;
          "stage": string | null;
          "stage_entered_at": string;
          "stage_kind": string;
          "street": string | null;
          "team_id": string | null;
          "tenant_id": string;
          "updated_at": string;
          "updated_by": string | null;
          "version": number;
          "website": string | null;
        };
        ComputedFields: never;
        Insert: {
          "amount_minor"?: number | null;
          "campaign"?: string | null;
          "city"?: string | null;
          "company_name"?: string | null;
          "converted_at"?: string | null;
          "country_code"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "email"?: string | null;
          "external_id"?: string | null;
          "family_name"?: string | null;
          "first_response_at"?: string | null;
          "given_name"?: string | null;
          "id"?: string | null;
          "interest"?: string | null;
          "job_title"?: string | null;
          "language"?: string | null;
          "lost_reason"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "phone"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "postal_code"?: string | null;
          "region"?: string | null;
          "salutation"?: string | null;
          "score"?: number | null;
          "source"?: string | null;
          "stage"?: string | null;
          "stage_entered_at"?: string | null;
          "stage_kind"?: string | null;
          "street"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
          "website"?: string | null;
        };
        Update: {
          "amount_minor"?: number | null;
          "campaign"?: string | null;
          "city"?: string | null;
          "company_name"?: string | null;
          "converted_at"?: string | null;
          "country_code"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "email"?: string | null;
          "external_id"?: string | null;
          "family_name"?: string | null;
          "first_response_at"?: string | null;
          "given_name"?: string | null;
          "id"?: string | null;
          "interest"?: string | null;
          "job_title"?: string | null;
          "language"?: string | null;
          "lost_reason"?: string | null;
          "name"?: string | null;
          "owner_id"?: string | null;
          "phone"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "postal_code"?: string | null;
          "region"?: string | null;
          "salutation"?: string | null;
          "score"?: number | null;
          "source"?: string | null;
          "stage"?: string | null;
          "stage_entered_at"?: string | null;
          "stage_kind"?: string | null;
          "street"?: string | null;
          "team_id"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
          "website"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "leads_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "leads_tenant_id_team_id_fkey";
            columns: ["tenant_id", "team_id"];
            isOneToOne: false;
            referencedRelation: "teams";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "stage_is_of_the_pipeline";
            columns: ["tenant_id", "pipeline_id", "pipeline_version_id", "stage"];
            isOneToOne: false;
            referencedRelation: "pipeline_stages";
            referencedColumns: ["tenant_id", "pipeline_id", "pipeline_version_id", "stage"];
          },
        ];
      };
      "legal_holds": {
        Row: {
          "email": string | null;
          "id": string;
          "phone": string | null;
          "reason": string;
          "released_at": string | null;
          "released_by": string | null;
          "set_at": string;
          "set_by": string | null;
          "tenant_id": string;
          "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "email"?: string | null;
          "id"?: string | null;
          "phone"?: string | null;
          "reason"?: string | null;
          "released_at"?: string | null;
          "released_by"?: string | null;
          "set_at"?: string | null;
          "set_by"?: string | null;
          "tenant_id"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "email"?: string | null;
          "id"?: string | null;
          "phone"?: string | null;
          "reason"?: string | null;
          "released_at"?: string | null;
          "released_by"?: string | null;
          "set_at"?: string | null;
          "set_by"?: string | null;
          "tenant_id"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "legal_holds_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "members": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "role": string;
          "status": string;
          "tenant_id": string;
          "user_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "members_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "metrics": {
        Row: {
          "created_at": string;
          "name": string;
          "tenant_id": string;
          "unit": string | null;
          "value_type": string | null;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "name"?: string | null;
          "tenant_id"?: string | null;
          "unit"?: string | null;
          "value_type"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "name"?: string | null;
          "tenant_id"?: string | null;
          "unit"?: string | null;
          "value_type"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "metrics_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "object_fields": {
        Row: {
          "description": string | null;
          "field": string;
          "is_writable": boolean;
          "label": string;
          "object": string;
          "position": number;
          "type": string;
        };
        ComputedFields: never;
        Insert: {
          "description"?: string | null;
          "field"?: string | null;
          "is_writable"?: boolean | null;
          "label"?: string | null;
          "object"?: string | null;
          "position"?: number | null;
          "type"?: string | null;
        };
        Update: {
          "description"?: string | null;
          "field"?: string | null;
          "is_writable"?: boolean | null;
          "label"?: string | null;
          "object"?: string | null;
          "position"?: number | null;
          "type"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "object_fields_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
        ];
      };
      "permissions": {
        Row: {
          "description": string;
          "permission": string;
        };
        ComputedFields: never;
        Insert: {
          "description"?: string | null;
          "permission"?: string | null;
        };
        Update: {
          "description"?: string | null;
          "permission"?: string | null;
        };
        Relationships: [];
      };
      "pipeline_stages": {
        Row: {
          "is_start": boolean;
          "kind": string;
          "label": string;
          "pipeline_id": string;
          "pipeline_version_id": string;
          "position": number;
          "probability": number | null;
          "required": (string)[];
          "stage": string;
          "tenant_id": string;
          "time_limit_s": number | null;
        };
        ComputedFields: never;
        Insert: {
          "is_start"?: boolean | null;
          "kind"?: string | null;
          "label"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "position"?: number | null;
          "probability"?: number | null;
          "required"?: (string)[] | null;
          "stage"?: string | null;
          "tenant_id"?: string | null;
          "time_limit_s"?: number | null;
        };
        Update: {
          "is_start"?: boolean | null;
          "kind"?: string | null;
          "label"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "position"?: number | null;
          "probability"?: number | null;
          "required"?: (string)[] | null;
          "stage"?: string | null;
          "tenant_id"?: string | null;
          "time_limit_s"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "pipeline_stages_tenant_id_pipeline_id_fkey";
            columns: ["tenant_id", "pipeline_id"];
            isOneToOne: false;
            referencedRelation: "pipelines";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "pipeline_stages_tenant_id_pipeline_version_id_fkey";
            columns: ["tenant_id", "pipeline_version_id"];
            isOneToOne: false;
            referencedRelation: "pipeline_versions";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "pipeline_versions": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "definition": NonNullable<Json>;
          "id": string;
          "number": number;
          "pipeline_id": string;
          "published_at": string | null;
          "published_by": string | null;
          "status": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "definition"?: Json | null;
          "id"?: string | null;
          "number"?: number | null;
          "pipeline_id"?: string | null;
          "published_at"?: string | null;
          "published_by"?: string | null;
          "status"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "definition"?: Json | null;
          "id"?: string | null;
          "number"?: number | null;
          "pipeline_id"?: string | null;
          "published_at"?: string | null;
          "published_by"?: string | null;
          "status"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "pipeline_versions_tenant_id_pipeline_id_fkey";
            columns: ["tenant_id", "pipeline_id"];
            isOneToOne: false;
            referencedRelation: "pipelines";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "pipelines": {
        Row: {
          "archived_at": string | null;
          "created_at": string;
          "created_by": string | null;
          "id": string;
          "is_default": boolean;
          "name": string;
          "object": string;
          "slug": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "archived_at"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "is_default"?: boolean | null;
          "name"?: string | null;
          "object"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "archived_at"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "is_default"?: boolean | null;
          "name"?: string | null;
          "object"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "pipelines_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "products": {
        Row: {
          "code": string;
          "created_at": string;
          "created_by": string | null;
          "currency": string | null;
          "custom": NonNullable<Json>;
          "description": string | null;
          "id": string;
          "is_active": boolean;
          "name": string;
          "tenant_id": string;
          "unit": string | null;
          "unit_price_minor": number | null;
          "updated_at": string;
          "updated_by": string | null;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "code"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "id"?: string | null;
          "is_active"?: boolean | null;
          "name"?: string | null;
          "tenant_id"?: string | null;
          "unit"?: string | null;
          "unit_price_minor"?: number | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Update: {
          "code"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "currency"?: string | null;
          "custom"?: Json | null;
          "description"?: string | null;
          "id"?: string | null;
          "is_active"?: boolean | null;
          "name"?: string | null;
          "tenant_id"?: string | null;
          "unit"?: string | null;
          "unit_price_minor"?: number | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "products_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "rate_limits": {
        Row: {
          "action": string | null;
          "created_at": string;
          "dimension": string;
          "limits": string;
          "set_by": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "action"?: never;
          "created_at"?: string | null;
          "dimension"?: string | null;
          "limits"?: string | null;
          "set_by"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "action"?: never;
          "created_at"?: string | null;
          "dimension"?: string | null;
          "limits"?: string | null;
          "set_by"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "rate_limits_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "rejected_messages": {
        Row: {
          "code": string;
          "device": string | null;
          "id": number;
          "message": string;
          "payload": string | null;
          "payload_bytes": number;
          "received_at": string;
          "source": string;
          "tenant_id": string;
          "topic": string | null;
        };
        ComputedFields: never;
        Insert: {
          "code"?: string | null;
          "device"?: string | null;
          "id"?: number | null;
          "message"?: string | null;
          "payload"?: never;
          "payload_bytes"?: number | null;
          "received_at"?: string | null;
          "source"?: string | null;
          "tenant_id"?: string | null;
          "topic"?: string | null;
        };
        Update: {
          "code"?: string | null;
          "device"?: string | null;
          "id"?: number | null;
          "message"?: string | null;
          "payload"?: never;
          "payload_bytes"?: number | null;
          "received_at"?: string | null;
          "source"?: string | null;
          "tenant_id"?: string | null;
          "topic"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "rejected_messages_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "retention_policies": {
        Row: {
          "changed_at": string;
          "hourly_days": number | null;
          "metric": string | null;
          "raw_days": number | null;
          "rejected_days": number | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "retention_policies_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "roles": {
        Row: {
          "hidden_fields": Json | null;
          "id": string;
          "is_system": boolean | null;
          "name": string;
          "permissions": Json | null;
          "slug": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "roles_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "search_fields": {
        Row: {
          "field": string;
          "object": string;
          "weight": string;
        };
        ComputedFields: never;
        Insert: {
          "field"?: string | null;
          "object"?: string | null;
          "weight"?: string | null;
        };
        Update: {
          "field"?: string | null;
          "object"?: string | null;
          "weight"?: string | null;
        };
        Relationships: [];
      };
      "segment_members": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "object": string;
          "record_id": string;
          "segment_id": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "segment_id"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "segment_id"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "segment_members_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "segment_members_tenant_id_segment_id_fkey";
            columns: ["tenant_id", "segment_id"];
            isOneToOne: false;
            referencedRelation: "segments";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "segments": {
        Row: {
          "condition": Json | null;
          "created_at": string;
          "created_by": string | null;
          "description": string | null;
          "id": string;
          "is_shared": boolean;
          "kind": string;
          "name": string;
          "object": string;
          "owner_id": string | null;
          "slug": string;
          "tenant_id": string;
          "text": string | null;
          "updated_at": string;
          "updated_by": string | null;
        };
        ComputedFields: never;
        Insert: {
          "condition"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "description"?: string | null;
          "id"?: string | null;
          "is_shared"?: boolean | null;
          "kind"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "owner_id"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
          "text"?: never;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
        };
        Update: {
          "condition"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "description"?: string | null;
          "id"?: string | null;
          "is_shared"?: boolean | null;
          "kind"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "owner_id"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
          "text"?: never;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "segments_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "segments_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "service_level_states": {
        Row: {
          "breached_at": string | null;
          "breaches": number;
          "due_at": string;
          "met_at": string | null;
          "object": string;
          "record_id": string;
          "round": number;
          "service_level_id": string;
          "started_at": string;
          "state": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "breached_at"?: string | null;
          "breaches"?: number | null;
          "due_at"?: string | null;
          "met_at"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "round"?: number | null;
          "service_level_id"?: string | null;
          "started_at"?: string | null;
          "state"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "breached_at"?: string | null;
          "breaches"?: number | null;
          "due_at"?: string | null;
          "met_at"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "round"?: number | null;
          "service_level_id"?: string | null;
          "started_at"?: string | null;
          "state"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "service_level_states_tenant_id_service_level_id_fkey";
            columns: ["tenant_id", "service_level_id"];
            isOneToOne: false;
            referencedRelation: "service_levels";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "service_levels": {
        Row: {
          "condition": Json | null;
          "created_at": string;
          "created_by": string | null;
          "escalations": NonNullable<Json>;
          "hours": Json | null;
          "id": string;
          "is_active": boolean;
          "kind": string;
          "name": string;
          "object": string;
          "tenant_id": string;
          "updated_at": string;
          "updated_by": string | null;
          "version": number;
          "within_s": number;
        };
        ComputedFields: never;
        Insert: {
          "condition"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "escalations"?: Json | null;
          "hours"?: Json | null;
          "id"?: string | null;
          "is_active"?: boolean | null;
          "kind"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
          "within_s"?: number | null;
        };
        Update: {
          "condition"?: Json | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "escalations"?: Json | null;
          "hours"?: Json | null;
          "id"?: string | null;
          "is_active"?: boolean | null;
          "kind"?: string | null;
          "name"?: string | null;
          "object"?: string | null;
          "tenant_id"?: string | null;
          "updated_at"?: string | null;
          "updated_by"?: string | null;
          "version"?: number | null;
          "within_s"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "service_levels_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "service_levels_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "stage_history": {
        Row: {
          "entered_at": string;
          "from_stage": string | null;
          "left_at": string | null;
          "moved_by": string | null;
          "moved_by_kind": string;
          "object": string;
          "pipeline_id": string;
          "pipeline_version_id": string;
          "reason": string | null;
          "record_id": string;
          "seconds": number | null;
          "stage": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "entered_at"?: string | null;
          "from_stage"?: string | null;
          "left_at"?: string | null;
          "moved_by"?: string | null;
          "moved_by_kind"?: string | null;
          "object"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "reason"?: string | null;
          "record_id"?: string | null;
          "seconds"?: never;
          "stage"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "entered_at"?: string | null;
          "from_stage"?: string | null;
          "left_at"?: string | null;
          "moved_by"?: string | null;
          "moved_by_kind"?: string | null;
          "object"?: string | null;
          "pipeline_id"?: string | null;
          "pipeline_version_id"?: string | null;
          "reason"?: string | null;
          "record_id"?: string | null;
          "seconds"?: never;
          "stage"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "stage_periods_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "stage_periods_tenant_id_pipeline_id_pipeline_version_id_st_fkey";
            columns: ["tenant_id", "pipeline_id", "pipeline_version_id", "stage"];
            isOneToOne: false;
            referencedRelation: "pipeline_stages";
            referencedColumns: ["tenant_id", "pipeline_id", "pipeline_version_id", "stage"];
          },
        ];
      };
      "suppressions": {
        Row: {
          "address": string;
          "channel": string;
          "created_at": string;
          "created_by": string | null;
          "reason": string;
          "source": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "address"?: string | null;
          "channel"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "reason"?: string | null;
          "source"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "address"?: string | null;
          "channel"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "reason"?: string | null;
          "source"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "suppressions_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "taggings": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "object": string;
          "record_id": string;
          "tag_id": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "tag_id"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "tag_id"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "taggings_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "taggings_tenant_id_tag_id_fkey";
            columns: ["tenant_id", "tag_id"];
            isOneToOne: false;
            referencedRelation: "tags";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "tags": {
        Row: {
          "color": string | null;
          "created_at": string;
          "created_by": string | null;
          "id": string;
          "name": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "color"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "color"?: string | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "tags_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "teams": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
          "slug": string;
          "tenant_id": string;
          "user_ids": (string)[] | null;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
          "user_ids"?: never;
        };
        Update: {
          "created_at"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "slug"?: string | null;
          "tenant_id"?: string | null;
          "user_ids"?: never;
        };
        Relationships: [
          {
            foreignKeyName: "teams_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "template_kinds": {
        Row: {
          "description": string;
          "is_open_to_tenants": boolean;
          "links": NonNullable<Json>;
          "template": string;
          "variables": NonNullable<Json>;
        };
        ComputedFields: never;
        Insert: {
          "description"?: string | null;
          "is_open_to_tenants"?: boolean | null;
          "links"?: Json | null;
          "template"?: string | null;
          "variables"?: Json | null;
        };
        Update: {
          "description"?: string | null;
          "is_open_to_tenants"?: boolean | null;
          "links"?: Json | null;
          "template"?: string | null;
          "variables"?: Json | null;
        };
        Relationships: [];
      };
      "template_versions": {
        Row: {
          "has_layout": boolean;
          "html": string | null;
          "language": string;
          "preheader": string | null;
          "published_at": string;
          "published_by": string | null;
          "subject": string;
          "template": string;
          "tenant_id": string;
          "text": string;
          "version": number;
          "version_id": number;
        };
        ComputedFields: never;
        Insert: {
          "has_layout"?: boolean | null;
          "html"?: string | null;
          "language"?: string | null;
          "preheader"?: string | null;
          "published_at"?: string | null;
          "published_by"?: never;
          "subject"?: string | null;
          "template"?: string | null;
          "tenant_id"?: string | null;
          "text"?: string | null;
          "version"?: number | null;
          "version_id"?: number | null;
        };
        Update: {
          "has_layout"?: boolean | null;
          "html"?: string | null;
          "language"?: string | null;
          "preheader"?: string | null;
          "published_at"?: string | null;
          "published_by"?: never;
          "subject"?: string | null;
          "template"?: string | null;
          "tenant_id"?: string | null;
          "text"?: string | null;
          "version"?: number | null;
          "version_id"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "template_versions_template_fkey";
            columns: ["template"];
            isOneToOne: false;
            referencedRelation: "template_kinds";
            referencedColumns: ["template"];
          },
        ];
      };
      "templates": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "draft_has_layout": boolean | null;
          "draft_html": string | null;
          "draft_preheader": string | null;
          "draft_saved_at": string | null;
          "draft_subject": string | null;
          "draft_text": string | null;
          "language": string;
          "template": string;
          "tenant_id": string;
          "version": number | null;
          "version_id": number | null;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "templates_template_fkey";
            columns: ["template"];
            isOneToOne: false;
            referencedRelation: "template_kinds";
            referencedColumns: ["template"];
          },
          {
            foreignKeyName: "templates_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "tenants": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
          "parent_id": string | null;
          "settings": NonNullable<Json>;
          "slug": string;
          "status": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "parent_id"?: string | null;
          "settings"?: Json | null;
          "slug"?: string | null;
          "status"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "parent_id"?: string | null;
          "settings"?: Json | null;
          "slug"?: string | null;
          "status"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "tenants_parent_id_fkey";
            columns: ["parent_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "timers": {
        Row: {
          "attempts": number;
          "created_at": string;
          "created_by": string | null;
          "due_at": string;
          "failed_at": string | null;
          "id": string;
          "last_error": string | null;
          "object": string;
          "record_id": string;
          "tenant_id": string;
          "timer": string;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "due_at"?: string | null;
          "failed_at"?: string | null;
          "id"?: string | null;
          "last_error"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "tenant_id"?: string | null;
          "timer"?: string | null;
        };
        Update: {
          "attempts"?: number | null;
          "created_at"?: string | null;
          "created_by"?: string | null;
          "due_at"?: string | null;
          "failed_at"?: string | null;
          "id"?: string | null;
          "last_error"?: string | null;
          "object"?: string | null;
          "record_id"?: string | null;
          "tenant_id"?: string | null;
          "timer"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "timers_object_fkey";
            columns: ["object"];
            isOneToOne: false;
            referencedRelation: "custom_field_objects";
            referencedColumns: ["object"];
          },
          {
            foreignKeyName: "timers_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "webhook_endpoints": {
        Row: {
          "condition": Json | null;
          "created_at": string;
          "created_by": string | null;
          "description": string | null;
          "disabled_at": string | null;
          "disabled_reason": string | null;
          "event_types": (string)[];
          "failing_since": string | null;
          "fanned_out_number": number | null;
          "id": string;
          "max_concurrency": number;
          "previous_secret_expires_at": string | null;
          "status": string;
          "tenant_id": string;
          "url": string | null;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "webhook_endpoints_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "webhook_sources": {
        Row: {
          "created_at": string;
          "created_by": string | null;
          "disabled_at": string | null;
          "encoding": string | null;
          "id": string;
          "name": string;
          "prefix": string | null;
          "processor": string;
          "refused_count": number;
          "refused_reason": string | null;
          "scheme": string;
          "signature_header": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "disabled_at"?: string | null;
          "encoding"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "prefix"?: string | null;
          "processor"?: string | null;
          "refused_count"?: number | null;
          "refused_reason"?: string | null;
          "scheme"?: string | null;
          "signature_header"?: string | null;
          "tenant_id"?: string | null;
        };
        Update: {
          "created_at"?: string | null;
          "created_by"?: string | null;
          "disabled_at"?: string | null;
          "encoding"?: string | null;
          "id"?: string | null;
          "name"?: string | null;
          "prefix"?: string | null;
          "processor"?: string | null;
          "refused_count"?: number | null;
          "refused_reason"?: string | null;
          "scheme"?: string | null;
          "signature_header"?: string | null;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "webhook_sources_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
    };
    Functions: {
      "accept_invitation": { Args: { "token": string }; Returns: Json };
      "activity_report": {
        Args: { "by"?: string; "from": string; "time_zone"?: string; "to": string };
        Returns: {
          "created": number;
          "done": number;
          "done_by_type": Json;
          "done_late": number;
          "overdue": number;
          "owner_id": string;
          "starts_on": string;
          "team_id": string;
          "type": string;
        }[];
      };
      "add_activity": {
        Args: {
          "body"?: string;
          "direction"?: string;
          "done"?: boolean;
          "due_at"?: string;
          "ends_at"?: string;
          "links"?: Json;
          "outcome"?: string;
          "owner_id"?: string;
          "priority"?: string;
          "remind_at"?: string;
          "starts_at"?: string;
          "subject": string;
          "type": string;
        };
        Returns: Json;
      };
      "add_device_credential": {
        Args: { "certificate"?: string; "device": string; "expires_at"?: string; "kind"?: string };
        Returns: Json;
      };
      "add_import_rows": {
        Args: {
          "bytes"?: string;
          "csv"?: string;
          "import_id": string;
          "is_last"?: boolean;
          "number": number;
        };
        Returns: Json;
      };
      "add_to_segment": { Args: { "record_ids": (string)[]; "segment_id": string }; Returns: Json };
      "allowed_moves": { Args: { "subject": string }; Returns: Json };
      "archive_custom_field": {
        Args: { "archived"?: boolean; "field": string; "object": string };
        Returns: Json;
      };
      "archive_pipeline": { Args: { "pipeline": string }; Returns: Json };
      "assign": { Args: { "object": string; "record_id": string }; Returns: Json };
      "audit_checkpoint": { Args: Record<PropertyKey, never>; Returns: Json };
      "board": {
        Args: {
          "after"?: Json;
          "closed_since"?: string;
          "object"?: string;
          "owner_id"?: string;
          "per_stage"?: number;
          "pipeline"?: string;
          "search"?: string;
          "team_id"?: string;
        };
        Returns: Json;
      };
      "cancel_delivery": { Args: { "id": string }; Returns: Json };
      "cancel_job": { Args: { "id": string }; Returns: Json };
      "check_import": { Args: { "import_id": string }; Returns: Json };
      "check_pipeline": { Args: { "definition": Json; "object": string }; Returns: Json };
      "claim_deliveries": {
        Args: { "channel": string; "lease_s"?: number; "max_count"?: number; "worker"?: string };
        Returns: Json;
      };
      "clear_rate_limit": { Args: { "action"?: string; "dimension": string }; Returns: boolean };
      "clear_retention": { Args: { "metric"?: string }; Returns: boolean };
      "close_tenant": { Args: { "tenant_id": string }; Returns: Json };
      "convert_lead": {
        Args: { "expected_version": number; "lead_id": string; "options"?: Json };
        Returns: Json;
      };
      "create_api_key": {
        Args: {
          "expires_at"?: string;
          "hidden_fields"?: Json;
          "name": string;
          "permissions"?: Json;
          "role"?: string;
        };
        Returns: Json;
      };
      "create_tenant": {
        Args: { "name": string; "parent_id"?: string; "settings"?: Json; "slug": string };
        Returns: Json;
      };
      "create_webhook_endpoint": {
        Args: {
          "condition"?: Json;
          "description"?: string;
          "event_types": (string)[];
          "max_concurrency"?: number;
          "url": string;
        };
        Returns: Json;
      };
      "create_webhook_source": {
        Args: {
          "encoding"?: string;
          "name": string;
          "prefix"?: string;
          "processor": string;
          "scheme": string;
          "secret"?: string;
          "signature_header"?: string;
        };
        Returns: Json;
      };
      "custom_fields_schema": { Args: { "object": string }; Returns: Json };
      "delete_assignment_rule": { Args: { "id": string }; Returns: Json };
      "delete_brand": { Args: { "slug": string }; Returns: Json };
      "delete_custom_field": {
        Args: { "confirm": string; "field": string; "object": string };
        Returns: Json;
      };
      "delete_job_schedule": { Args: { "name": string }; Returns: Json };
      "delete_role": { Args: { "slug": string }; Returns: Json };
      "delete_segment": { Args: { "segment_id": string }; Returns: Json };
      "delete_service_level": { Args: { "id": string }; Returns: Json };
      "delete_team": { Args: { "slug": string }; Returns: Json };
      "delete_webhook_endpoint": { Args: { "id": string }; Returns: Json };
      "delete_webhook_source": { Args: { "id": string }; Returns: Json };
      "delivery_summary": {
        Args: { "from_at"?: string; "to_at"?: string };
        Returns: {
          "abandoned": number;
          "attempts": number;
          "channel": string;
          "delivered": number;
          "endpoint_id": string;
          "failed": number;
          "p50_ms": number;
          "p95_ms": number;
          "success_rate": number;
          "tenant_id": string;
        }[];
      };
      "disable_webhook_endpoint": { Args: { "id": string }; Returns: Json };
      "enable_job_schedule": { Args: { "enabled"?: boolean; "name": string }; Returns: Json };
      "enable_webhook_endpoint": { Args: { "id": string }; Returns: Json };
      "enable_webhook_source": { Args: { "enabled": boolean; "id": string }; Returns: Json };
      "enqueue_job": {
        Args: { "arguments"?: Json; "task": string; "unique_key"?: string };
        Returns: Json;
      };
      "erase_person": {
        Args: { "dry_run"?: boolean; "email"?: string; "phone"?: string; "user_id"?: string };
        Returns: Json;
      };
      "erasures_of": {
        Args: { "email"?: string; "phone"?: string; "user_id"?: string };
        Returns: {
          "counts": NonNullable<Json>;
          "digest": string;
          "erased_at": string;
          "erased_by": string | null;
          "erased_by_kind": string;
          "id": string;
          "is_intact": boolean | null;
          "rows": number;
          "subject_hashes": (string)[];
          "subject_salt": string;
          "tenant_id": string;
        }[];
        SetofOptions: {
          from: "*";
          to: "erasures";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "events_since": {
        Args: { "after"?: number; "limit_to"?: number; "types"?: (string)[] };
        Returns: Json;
      };
      "explain_access": {
        Args: { "permission": string; "tenant_id": string; "user_id"?: string };
        Returns: Json;
      };
      "explain_assignment": { Args: { "object": string; "record_id": string }; Returns: Json };
      "export_audit": {
        Args: { "after"?: number; "from"?: string; "page"?: number; "to"?: string };
        Returns: Json;
      };
      "export_csv": {
        Args: {
          "after"?: string;
          "condition"?: Json;
          "delimiter"?: string;
          "fields"?: (string)[];
          "object": string;
          "row_limit"?: number;
          "segment_id"?: string;
        };
        Returns: Json;
      };
      "export_me": { Args: { "after"?: Json }; Returns: Json };
      "export_person": {
        Args: { "after"?: Json; "email"?: string; "phone"?: string; "user_id"?: string };
        Returns: Json;
      };
      "exports_of": {
        Args: { "email"?: string; "phone"?: string; "user_id"?: string };
        Returns: {
          "exported_at": string;
          "exported_by": string | null;
          "exported_by_kind": string;
          "id": string;
          "is_last": boolean;
          "rows": number;
          "scope": string;
          "subject_hashes": (string)[];
          "subject_salt": string;
          "tenant_id": string;
        }[];
        SetofOptions: {
          from: "*";
          to: "export_log";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "field_history": {
        Args: {
          "before"?: number;
          "field"?: string;
          "object": string;
          "page"?: number;
          "record_id": string;
        };
        Returns: {
          "at": string;
          "caller_id": string;
          "caller_kind": string;
          "entry_id": number;
          "field_name": string;
          "is_cut": boolean;
          "is_erased": boolean;
          "new": Json;
          "old": Json;
          "operation": string;
        }[];
      };
      "finish_activity": { Args: { "id": string; "outcome"?: string }; Returns: Json };
      "finish_deliveries": { Args: { "results": Json }; Returns: Json };
      "forecast": {
        Args: {
          "by"?: string;
          "from": string;
          "pipeline"?: string;
          "time_zone"?: string;
          "to": string;
        };
        Returns: {
          "amount_minor": number;
          "best_case_minor": number;
          "closed_won": number;
          "closed_won_minor": number;
          "commit_minor": number;
          "currency": string;
          "deals": number;
          "owner_id": string;
          "pipeline_minor": number;
          "starts_on": string;
          "team_id": string;
          "weighted_minor": number;
        }[];
      };
      "funnel": {
        Args: {
          "from": string;
          "object"?: string;
          "owner_id"?: string;
          "pipeline"?: string;
          "team_id"?: string;
          "to": string;
        };
        Returns: {
          "conversion_rate": number;
          "entered": number;
          "kind": string;
          "label": string;
          "lost": number;
          "median_s": number;
          "moved_on": number;
          "p90_s": number;
          "stage": string;
          "still_open": number;
          "win_rate": number;
          "won": number;
        }[];
      };
      "history": {
        Args: { "record": Json; "table_name": string };
        Returns: {
          "at": string;
          "caller_id": string;
          "caller_kind": string;
          "details": Json;
          "event": string;
          "id": number;
          "new": Json;
          "old": Json;
          "operation": string;
          "origin": Json;
        }[];
      };
      "import_errors_csv": {
        Args: { "after"?: number; "import_id": string; "phase"?: string; "row_limit"?: number };
        Returns: Json;
      };
      "in_segments": {
        Args: { "object": string; "record_id": string };
        Returns: {
          "name": string;
          "segment_id": string;
          "slug": string;
        }[];
      };
      "ingest": { Args: { "messages": Json }; Returns: Json };
      "insert_once": { Args: { "into_view": string; "rows": Json }; Returns: Json };
      "invite": {
        Args: { "email": string; "role": string; "valid_hours"?: number };
        Returns: Json;
      };
      "latest": {
        Args: { "devices"?: (string)[]; "metrics"?: (string)[] };
        Returns: {
          "at": string;
          "device": string;
          "metric": string;
          "unit": string;
          "value": Json;
        }[];
      };
      "leave_tenant": { Args: { "tenant_id": string }; Returns: Json };
      "lift_suppression": { Args: { "address": string; "channel": string }; Returns: Json };
      "map_import": {
        Args: { "import_id": string; "mapping": Json; "settings"?: Json };
        Returns: Json;
      };
      "mark_sensitive": {
        Args: { "id": string; "reason": string; "sensitive"?: boolean; "table_name": string };
        Returns: undefined;
      };
      "migrate_pipeline": {
        Args: { "dry_run"?: boolean; "mapping"?: Json; "max_count"?: number; "pipeline": string };
        Returns: Json;
      };
      "move": {
        Args: {
          "expected_version": number;
          "fields"?: Json;
          "reason"?: string;
          "subject": string;
          "to": string;
        };
        Returns: Json;
      };
      "move_many": {
        Args: {
          "expected_versions"?: (number)[];
          "fields"?: Json;
          "reason"?: string;
          "subjects": (string)[];
          "to": string;
        };
        Returns: Json;
      };
      "move_tenant": { Args: { "parent_id": string; "tenant_id": string }; Returns: Json };
      "my_access": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "hidden_fields": Json;
          "permissions": Json;
          "role": string;
          "team_ids": (string)[];
          "tenant": string;
          "tenant_id": string;
        }[];
      };
      "open_record": {
        Args: { "id": string; "reason": string; "table_name": string };
        Returns: Json;
      };
      "pause_channel": { Args: { "channel": string; "reason": string }; Returns: undefined };
      "pause_deliveries": { Args: { "channel"?: string; "reason"?: string }; Returns: Json };
      "pipeline_diagram": { Args: { "number"?: number; "pipeline": string }; Returns: string };
      "preview_assignment": { Args: { "object": string; "record"?: Json }; Returns: Json };
      "preview_conversion": { Args: { "lead_id": string; "options"?: Json }; Returns: Json };
      "preview_segment": {
        Args: { "condition": Json; "max_count"?: number; "object": string };
        Returns: Json;
      };
      "preview_template": {
        Args: {
          "brand"?: string;
          "data"?: Json;
          "has_layout"?: boolean;
          "html"?: string;
          "language"?: string;
          "preheader"?: string;
          "subject"?: string;
          "template": string;
          "text"?: string;
        };
        Returns: Json;
      };
      "process_message_again": { Args: { "id": string }; Returns: Json };
      "propose_import_mapping": { Args: { "header": (string)[]; "object": string }; Returns: Json };
      "publish_pipeline": { Args: { "number": number; "pipeline": string }; Returns: Json };
      "publish_template": { Args: { "language": string; "template": string }; Returns: Json };
      "readings": {
        Args: {
          "above"?: number;
          "below"?: number;
          "devices"?: (string)[];
          "from"?: string;
          "max_points"?: number;
          "metrics"?: (string)[];
          "to"?: string;
        };
        Returns: {
          "at": string;
          "device": string;
          "metric": string;
          "value": Json;
        }[];
      };
      "receive_webhook": {
        Args: { "body": string; "headers": Json; "source": string };
        Returns: Json;
      };
      "record_consent": {
        Args: {
          "channel"?: string;
          "email"?: string;
          "given_at"?: string;
          "legal_basis"?: string;
          "phone"?: string;
          "proof_text"?: string;
          "proof_version"?: string;
          "purpose": string;
          "source": string;
          "user_id"?: string;
        };
        Returns: string;
      };
      "release_legal_hold": { Args: { "id": string }; Returns: undefined };
      "remove_from_segment": {
        Args: { "record_ids": (string)[]; "segment_id": string };
        Returns: Json;
      };
      "remove_member": { Args: { "user_id": string }; Returns: Json };
      "replay_deliveries": {
        Args: {
          "channel"?: string;
          "endpoint_id"?: string;
          "since"?: string;
          "status"?: string;
          "until"?: string;
        };
        Returns: Json;
      };
      "replay_delivery": { Args: { "id": string }; Returns: Json };
      "replay_webhooks": {
        Args: { "endpoint_id": string; "from_number": number; "to_number"?: number };
        Returns: Json;
      };
      "resume_channel": { Args: { "channel": string }; Returns: undefined };
      "resume_deliveries": { Args: { "channel"?: string }; Returns: Json };
      "resume_member": { Args: { "user_id": string }; Returns: Json };
      "resume_tenant": { Args: { "tenant_id": string }; Returns: Json };
      "retention_preview": {
        Args: { "as_of"?: string };
        Returns: {
          "bytes": number;
          "hours": number;
          "hours_before": string;
          "kept_since": string;
          "metric": string;
          "month": string;
          "readings": number;
          "readings_before": string;
          "tenant_id": string;
        }[];
      };
      "retry_job": { Args: { "id": string }; Returns: Json };
      "revert_template": {
        Args: { "language": string; "template": string; "version"?: number };
        Returns: Json;
      };
      "revoke_api_key": { Args: { "id": string }; Returns: Json };
      "revoke_device_credential": { Args: { "id": string }; Returns: Json };
      "revoke_invitation": { Args: { "id": string }; Returns: Json };
      "rotate_api_key": { Args: { "id": string; "overlap"?: string }; Returns: Json };
      "rotate_webhook_secret": { Args: { "id": string; "overlap_hours"?: number }; Returns: Json };
      "run_import": { Args: { "import_id": string }; Returns: Json };
      "save_assignment_capacity": {
        Args: {
          "absent_until"?: string;
          "capacity"?: number;
          "open_max"?: number;
          "team_id": string;
          "user_id": string;
        };
        Returns: Json;
      };
      "save_assignment_rule": {
        Args: {
          "condition"?: Json;
          "is_active"?: boolean;
          "name": string;
          "object": string;
          "rule_position"?: number;
          "strategy"?: string;
          "team_id"?: string;
          "user_id"?: string;
        };
        Returns: Json;
      };
      "save_custom_field": {
        Args: { "definition": Json; "field": string; "object": string };
        Returns: Json;
      };
      "save_pipeline": {
        Args: { "definition": Json; "name": string; "object": string; "slug": string };
        Returns: Json;
      };
      "save_role": {
        Args: { "hidden_fields"?: Json; "name": string; "permissions": Json; "slug": string };
        Returns: Json;
      };
      "save_segment": {
        Args: {
          "condition"?: Json;
          "description"?: string;
          "is_shared"?: boolean;
          "kind"?: string;
          "name": string;
          "object": string;
          "segment_id"?: string;
          "slug": string;
        };
        Returns: Json;
      };
      "save_service_level": {
        Args: {
          "condition"?: Json;
          "escalations"?: Json;
          "hours"?: Json;
          "is_active"?: boolean;
          "kind": string;
          "name": string;
          "object": string;
          "within_s": number;
        };
        Returns: Json;
      };
      "save_team": {
        Args: { "name": string; "slug": string; "user_ids"?: (string)[] };
        Returns: Json;
      };
      "save_template": {
        Args: {
          "has_layout"?: boolean;
          "html"?: string;
          "language": string;
          "preheader"?: string;
          "subject": string;
          "template": string;
          "text": string;
        };
        Returns: Json;
      };
      "search": {
        Args: { "limit"?: number; "objects"?: (string)[]; "offset"?: number; "query": string };
        Returns: {
          "changed_at": string;
          "label": string;
          "matched": (string)[];
          "object": string;
          "rank": number;
          "record_id": string;
          "sublabel": string;
          "tenant_id": string;
        }[];
      };
      "segment_count": { Args: { "segment_id": string }; Returns: Json };
      "segment_fields": { Args: { "object": string }; Returns: Json };
      "segment_records": {
        Args: { "after"?: string; "max_count"?: number; "segment_id": string };
        Returns: {
          "id": string;
          "label": string;
          "record": Json;
        }[];
      };
      "send_test_email": {
        Args: { "brand"?: string; "language"?: string; "template": string };
        Returns: Json;
      };
      "send_test_webhook": { Args: { "id": string }; Returns: Json };
      "set_active_tenant": { Args: { "tenant_id": string }; Returns: undefined };
      "set_brand": {
        Args: {
          "app_url"?: string;
          "background_color"?: string;
          "color"?: string;
          "footer"?: string;
          "from_address"?: string;
          "logo_url"?: string;
          "name"?: string;
          "reply_to"?: string;
          "slug"?: string;
        };
        Returns: Json;
      };
      "set_default_pipeline": { Args: { "pipeline": string }; Returns: Json };
      "set_job_schedule": {
        Args: {
          "arguments"?: Json;
          "enabled"?: boolean;
          "expression": string;
          "name": string;
          "task": string;
          "time_zone"?: string;
        };
        Returns: Json;
      };
      "set_legal_hold": {
        Args: { "email"?: string; "phone"?: string; "reason": string; "user_id"?: string };
        Returns: string;
      };
      "set_member_role": { Args: { "role": string; "user_id": string }; Returns: Json };
      "set_rate_limit": {
        Args: { "action"?: string; "dimension": string; "limits": string };
        Returns: {
          "action": string | null;
          "created_at": string;
          "dimension": string;
          "limits": string;
          "set_by": string;
          "tenant_id": string;
        };
        SetofOptions: {
          from: "*";
          to: "rate_limits";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "set_retention": {
        Args: {
          "hourly_days"?: number;
          "metric"?: string;
          "raw_days"?: number;
          "rejected_days"?: number;
        };
        Returns: {
          "changed_at": string;
          "hourly_days": number | null;
          "metric": string | null;
          "raw_days": number | null;
          "rejected_days": number | null;
          "tenant_id": string;
        };
        SetofOptions: {
          from: "*";
          to: "retention_policies";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "start_import": {
        Args: { "mapping"?: Json; "name": string; "object": string; "settings"?: Json };
        Returns: Json;
      };
      "suppress_address": { Args: { "address": string; "channel": string }; Returns: Json };
      "suspend_member": { Args: { "user_id": string }; Returns: Json };
      "suspend_tenant": { Args: { "tenant_id": string }; Returns: Json };
      "telemetry": {
        Args: {
          "aggregates"?: (string)[];
          "bucket"?: string;
          "devices"?: (string)[];
          "fill"?: string;
          "from"?: string;
          "group_by"?: (string)[];
          "max_points"?: number;
          "metrics"?: (string)[];
          "origin"?: string;
          "time_zone"?: string;
          "to"?: string;
        };
        Returns: {
          "at": string;
          "avg": number;
          "count": number;
          "device": string;
          "first": Json;
          "last": Json;
          "max": number;
          "metric": string;
          "min": number;
          "p50": number;
          "p90": number;
          "p95": number;
          "p99": number;
          "stddev": number;
          "sum": number;
        }[];
      };
      "time_in_stage": {
        Args: { "entered_before"?: string; "entered_from"?: string; "pipeline": string };
        Returns: {
          "entered": number;
          "kind": string;
          "label": string;
          "left": number;
          "mean_s": number;
          "median_s": number;
          "p90_s": number;
          "stage": string;
          "stage_position": number;
          "still_there": number;
        }[];
      };
      "timeline": {
        Args: { "before"?: Json; "max_count"?: number; "object": string; "record_id": string };
        Returns: Json;
      };
      "transfer_ownership": { Args: { "user_id": string }; Returns: Json };
      "undo_conversion": {
        Args: { "conversion_id": string; "dry_run"?: boolean; "force"?: boolean };
        Returns: Json;
      };
      "undo_import": { Args: { "import_id": string }; Returns: Json };
      "update_webhook_endpoint": { Args: { "changes": Json; "id": string }; Returns: Json };
      "verify_audit": { Args: { "checkpoint"?: Json }; Returns: Json };
      "win_loss": {
        Args: {
          "by"?: string;
          "from": string;
          "pipeline"?: string;
          "time_zone"?: string;
          "to": string;
        };
        Returns: {
          "amounts": Json;
          "lost": number;
          "median_days_to_win": number;
          "owner_id": string;
          "reason": string;
          "source": string;
          "win_rate": number;
          "won": number;
        }[];
      };
      "withdraw_consent": {
        Args: {
          "email"?: string;
          "phone"?: string;
          "purpose": string;
          "source": string;
          "user_id"?: string;
          "withdrawn_at"?: string;
        };
        Returns: number;
      };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "v1">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends
    {
      Insert: infer I;
    } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends
    {
      Update: infer U;
    } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][
    CompositeTypeName
  ]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "v1": {
    Enums: {},
  },
} as const;
