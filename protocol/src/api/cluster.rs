//! Clusters: CreateCluster, DeleteCluster, DescribeClusters, ListClusters.

use super::common::{Attachment, Failure, KeyValuePair, Tag};

wire! {
    /// Input of [`CreateCluster`](super::CreateCluster).
    pub struct CreateClusterRequest {
        /// Name of the cluster.
        cluster_name: Option<String>,
        /// Tags, at most 50.
        tags: Vec<Tag>,
        /// Settings of the cluster.
        settings: Vec<ClusterSetting>,
        /// Configuration of the cluster.
        configuration: Option<ClusterConfiguration>,
        /// Names of the capacity providers.
        capacity_providers: Vec<String>,
        /// Capacity providers of tasks that name none.
        default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        /// Default namespace for Service Connect.
        service_connect_defaults: Option<ClusterServiceConnectDefaultsRequest>,
    }

    /// Output of [`CreateCluster`](super::CreateCluster).
    pub struct CreateClusterResponse {
        /// The cluster, new or found.
        cluster: Option<Cluster>,
    }

    /// Input of [`DeleteCluster`](super::DeleteCluster).
    pub struct DeleteClusterRequest {
        /// Cluster name or ARN; absent is the cluster `default`.
        cluster: Option<String>,
    }

    /// Output of [`DeleteCluster`](super::DeleteCluster).
    pub struct DeleteClusterResponse {
        /// The cluster as it was.
        cluster: Option<Cluster>,
    }

    /// Input of [`DescribeClusters`](super::DescribeClusters).
    pub struct DescribeClustersRequest {
        /// Cluster names or ARNs, at most 100.
        clusters: Vec<String>,
        /// What else to tell: `ATTACHMENTS`, `CONFIGURATIONS`, `SETTINGS`, `STATISTICS`, `TAGS`.
        include: Vec<String>,
    }

    /// Output of [`DescribeClusters`](super::DescribeClusters).
    pub struct DescribeClustersResponse {
        /// The clusters.
        clusters: Vec<Cluster> = sent,
        /// What was asked for and could not be done.
        failures: Vec<Failure> = sent,
    }

    /// Input of [`ListClusters`](super::ListClusters).
    pub struct ListClustersRequest {
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
        /// Most results a page may hold, 1 to 100.
        max_results: Option<i64>,
    }

    /// Output of [`ListClusters`](super::ListClusters).
    pub struct ListClustersResponse {
        /// ARNs of the clusters.
        cluster_arns: Vec<String> = sent,
        /// Where the next page begins; absent on the first request and in the last response.
        next_token: Option<String>,
    }

    /// A named group of container instances.
    pub struct Cluster {
        /// ARN of the cluster.
        cluster_arn: Option<String>,
        /// Name of the cluster.
        cluster_name: Option<String>,
        /// Configuration of the cluster.
        configuration: Option<ClusterConfiguration>,
        /// `ACTIVE`, `PROVISIONING`, `DEPROVISIONING`, `FAILED` or `INACTIVE`.
        status: Option<String>,
        /// Number of container instances that are registered.
        registered_container_instances_count: Option<i64>,
        /// Number of tasks that are `RUNNING`.
        running_tasks_count: Option<i64>,
        /// Number of tasks that are `PENDING`.
        pending_tasks_count: Option<i64>,
        /// Number of services that are `ACTIVE`.
        active_services_count: Option<i64>,
        /// Counts of tasks and services, when `STATISTICS` was included.
        statistics: Vec<KeyValuePair> = sent,
        /// Tags, at most 50.
        tags: Vec<Tag> = sent,
        /// Settings of the cluster.
        settings: Vec<ClusterSetting> = sent,
        /// Names of the capacity providers.
        capacity_providers: Vec<String> = sent,
        /// Capacity providers of tasks that name none.
        default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem> = sent,
        /// Resources of the capacity providers.
        attachments: Vec<Attachment> = sent,
        /// Status of the capacity providers: `UPDATE_IN_PROGRESS`, `UPDATE_COMPLETE` or `UPDATE_FAILED`.
        attachments_status: Option<String>,
        /// Default namespace for Service Connect.
        service_connect_defaults: Option<ClusterServiceConnectDefaults>,
    }

    /// A setting of a cluster.
    pub struct ClusterSetting {
        /// Name of the setting: `containerInsights`.
        name: Option<String>,
        /// `enabled`, `enhanced` or `disabled`.
        value: Option<String>,
    }

    /// Configuration of a cluster.
    pub struct ClusterConfiguration {
        /// Configuration of ECS Exec.
        execute_command_configuration: Option<ExecuteCommandConfiguration>,
        /// Encryption keys of managed storage.
        managed_storage_configuration: Option<ManagedStorageConfiguration>,
    }

    /// Configuration of ECS Exec.
    pub struct ExecuteCommandConfiguration {
        /// Id of the encryption key.
        kms_key_id: Option<String>,
        /// Where sessions are logged: `NONE`, `DEFAULT`, `OVERRIDE`.
        logging: Option<String>,
        /// Where the sessions are logged, for `OVERRIDE`.
        log_configuration: Option<ExecuteCommandLogConfiguration>,
    }

    /// Where ECS Exec logs sessions.
    pub struct ExecuteCommandLogConfiguration {
        /// CloudWatch log group of the logs.
        cloud_watch_log_group_name: Option<String>,
        /// Whether the CloudWatch logs are encrypted.
        cloud_watch_encryption_enabled: Option<bool>,
        /// S3 bucket of the logs.
        s3_bucket_name: Option<String>,
        /// Whether the S3 logs are encrypted.
        s3_encryption_enabled: Option<bool>,
        /// Prefix of the S3 objects.
        s3_key_prefix: Option<String>,
    }

    /// Encryption keys of managed storage.
    pub struct ManagedStorageConfiguration {
        /// Id of the encryption key.
        kms_key_id: Option<String>,
        /// Id of the encryption key for local storage.
        fargate_ephemeral_storage_kms_key_id: Option<String>,
    }

    /// A capacity provider and its share of the tasks.
    pub struct CapacityProviderStrategyItem {
        /// Name of the capacity provider.
        capacity_provider: Option<String>,
        /// Share of the tasks.
        weight: Option<i64>,
        /// Least number of tasks.
        base: Option<i64>,
    }

    /// Default namespace for Service Connect, as asked for.
    pub struct ClusterServiceConnectDefaultsRequest {
        /// Cloud Map namespace for Service Connect.
        namespace: Option<String>,
    }

    /// Default namespace for Service Connect.
    pub struct ClusterServiceConnectDefaults {
        /// Cloud Map namespace for Service Connect.
        namespace: Option<String>,
    }
}
