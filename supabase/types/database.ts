export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "v1": {
    Tables: {
      [_ in never]: never;
    };
    Views: {
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
    };
    Functions: {
      "clear_retention": { Args: { "metric"?: string }; Returns: boolean };
      "ingest": { Args: { "messages": Json }; Returns: Json };
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
