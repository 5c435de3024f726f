"""Where live frames come from: cameras, streams, clips played at their own pace."""
