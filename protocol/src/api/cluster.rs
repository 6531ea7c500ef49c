//! Clusters: CreateCluster, DeleteCluster, DescribeClusters, ListClusters.

use super::common::{Attachment, Failure, KeyValuePair, Tag};

wire! {
    /// The `CreateClusterRequest` shape.
    pub struct CreateClusterRequest {
        /// The `clusterName` of the public model.
        cluster_name: Option<String>,
        /// The `tags` of the public model.
        tags: Vec<Tag>,
        /// The `settings` of the public model.
        settings: Vec<ClusterSetting>,
        /// The `configuration` of the public model.
        configuration: Option<ClusterConfiguration>,
        /// The `capacityProviders` of the public model.
        capacity_providers: Vec<String>,
        /// The `defaultCapacityProviderStrategy` of the public model.
        default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        /// The `serviceConnectDefaults` of the public model.
        service_connect_defaults: Option<ClusterServiceConnectDefaultsRequest>,
    }

    /// The `CreateClusterResponse` shape.
    pub struct CreateClusterResponse {
        /// The `cluster` of the public model.
        cluster: Option<Cluster>,
    }

    /// The `DeleteClusterRequest` shape.
    pub struct DeleteClusterRequest {
        /// The `cluster` of the public model.
        cluster: Option<String>,
    }

    /// The `DeleteClusterResponse` shape.
    pub struct DeleteClusterResponse {
        /// The `cluster` of the public model.
        cluster: Option<Cluster>,
    }

    /// The `DescribeClustersRequest` shape.
    pub struct DescribeClustersRequest {
        /// The `clusters` of the public model.
        clusters: Vec<String>,
        /// The `include` of the public model.
        include: Vec<String>,
    }

    /// The `DescribeClustersResponse` shape.
    pub struct DescribeClustersResponse {
        /// The `clusters` of the public model.
        clusters: Vec<Cluster> = sent,
        /// The `failures` of the public model.
        failures: Vec<Failure> = sent,
    }

    /// The `ListClustersRequest` shape.
    pub struct ListClustersRequest {
        /// The `nextToken` of the public model.
        next_token: Option<String>,
        /// The `maxResults` of the public model.
        max_results: Option<i64>,
    }

    /// The `ListClustersResponse` shape.
    pub struct ListClustersResponse {
        /// The `clusterArns` of the public model.
        cluster_arns: Vec<String> = sent,
        /// The `nextToken` of the public model.
        next_token: Option<String>,
    }

    /// The `Cluster` shape.
    pub struct Cluster {
        /// The `clusterArn` of the public model.
        cluster_arn: Option<String>,
        /// The `clusterName` of the public model.
        cluster_name: Option<String>,
        /// The `configuration` of the public model.
        configuration: Option<ClusterConfiguration>,
        /// The `status` of the public model.
        status: Option<String>,
        /// The `registeredContainerInstancesCount` of the public model.
        registered_container_instances_count: Option<i64>,
        /// The `runningTasksCount` of the public model.
        running_tasks_count: Option<i64>,
        /// The `pendingTasksCount` of the public model.
        pending_tasks_count: Option<i64>,
        /// The `activeServicesCount` of the public model.
        active_services_count: Option<i64>,
        /// The `statistics` of the public model.
        statistics: Vec<KeyValuePair> = sent,
        /// The `tags` of the public model.
        tags: Vec<Tag> = sent,
        /// The `settings` of the public model.
        settings: Vec<ClusterSetting> = sent,
        /// The `capacityProviders` of the public model.
        capacity_providers: Vec<String> = sent,
        /// The `defaultCapacityProviderStrategy` of the public model.
        default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem> = sent,
        /// The `attachments` of the public model.
        attachments: Vec<Attachment> = sent,
        /// The `attachmentsStatus` of the public model.
        attachments_status: Option<String>,
        /// The `serviceConnectDefaults` of the public model.
        service_connect_defaults: Option<ClusterServiceConnectDefaults>,
    }

    /// The `ClusterSetting` shape.
    pub struct ClusterSetting {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `value` of the public model.
        value: Option<String>,
    }

    /// The `ClusterConfiguration` shape.
    pub struct ClusterConfiguration {
        /// The `executeCommandConfiguration` of the public model.
        execute_command_configuration: Option<ExecuteCommandConfiguration>,
        /// The `managedStorageConfiguration` of the public model.
        managed_storage_configuration: Option<ManagedStorageConfiguration>,
    }

    /// The `ExecuteCommandConfiguration` shape.
    pub struct ExecuteCommandConfiguration {
        /// The `kmsKeyId` of the public model.
        kms_key_id: Option<String>,
        /// The `logging` of the public model.
        logging: Option<String>,
        /// The `logConfiguration` of the public model.
        log_configuration: Option<ExecuteCommandLogConfiguration>,
    }

    /// The `ExecuteCommandLogConfiguration` shape.
    pub struct ExecuteCommandLogConfiguration {
        /// The `cloudWatchLogGroupName` of the public model.
        cloud_watch_log_group_name: Option<String>,
        /// The `cloudWatchEncryptionEnabled` of the public model.
        cloud_watch_encryption_enabled: Option<bool>,
        /// The `s3BucketName` of the public model.
        s3_bucket_name: Option<String>,
        /// The `s3EncryptionEnabled` of the public model.
        s3_encryption_enabled: Option<bool>,
        /// The `s3KeyPrefix` of the public model.
        s3_key_prefix: Option<String>,
    }

    /// The `ManagedStorageConfiguration` shape.
    pub struct ManagedStorageConfiguration {
        /// The `kmsKeyId` of the public model.
        kms_key_id: Option<String>,
        /// The `fargateEphemeralStorageKmsKeyId` of the public model.
        fargate_ephemeral_storage_kms_key_id: Option<String>,
    }

    /// The `CapacityProviderStrategyItem` shape.
    pub struct CapacityProviderStrategyItem {
        /// The `capacityProvider` of the public model.
        capacity_provider: Option<String>,
        /// The `weight` of the public model.
        weight: Option<i64>,
        /// The `base` of the public model.
        base: Option<i64>,
    }

    /// The `ClusterServiceConnectDefaultsRequest` shape.
    pub struct ClusterServiceConnectDefaultsRequest {
        /// The `namespace` of the public model.
        namespace: Option<String>,
    }

    /// The `ClusterServiceConnectDefaults` shape.
    pub struct ClusterServiceConnectDefaults {
        /// The `namespace` of the public model.
        namespace: Option<String>,
    }
}
