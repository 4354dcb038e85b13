"""An Android device over ADB: through a running adb server, or spoken to directly over TCP or USB."""
