export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "v1": {
    Tables: {
      [_ in never]: never;
    };
    Views: {
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
      "add_device_credential": {
        Args: { "certificate"?: string; "device": string; "expires_at"?: string; "kind"?: string };
        Returns: Json;
      };
      "audit_checkpoint": { Args: Record<PropertyKey, never>; Returns: Json };
      "cancel_delivery": { Args: { "id": string }; Returns: Json };
      "cancel_job": { Args: { "id": string }; Returns: Json };
      "claim_deliveries": {
        Args: { "channel": string; "lease_s"?: number; "max_count"?: number; "worker"?: string };
        Returns: Json;
      };
      "clear_rate_limit": { Args: { "action"?: string; "dimension": string }; Returns: boolean };
      "clear_retention": { Args: { "metric"?: string }; Returns: boolean };
      "close_tenant": { Args: { "tenant_id": string }; Returns: Json };
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
      "delete_brand": { Args: { "slug": string }; Returns: Json };
      "delete_job_schedule": { Args: { "name": string }; Returns: Json };
      "delete_role": { Args: { "slug": string }; Returns: Json };
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
      "export_audit": {
        Args: { "after"?: number; "from"?: string; "page"?: number; "to"?: string };
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
      "finish_deliveries": { Args: { "results": Json }; Returns: Json };
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
      "mark_sensitive": {
        Args: { "id": string; "reason": string; "sensitive"?: boolean; "table_name": string };
        Returns: undefined;
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
      "save_role": {
        Args: { "hidden_fields"?: Json; "name": string; "permissions": Json; "slug": string };
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
      "transfer_ownership": { Args: { "user_id": string }; Returns: Json };
      "update_webhook_endpoint": { Args: { "changes": Json; "id": string }; Returns: Json };
      "verify_audit": { Args: { "checkpoint"?: Json }; Returns: Json };
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
