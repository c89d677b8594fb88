"""One line per page, one per action."""

from django.urls import path

from elements.views import (
    actions,
    activity,
    configuration,
    debug,
    events,
    find,
    general,
    instance,
    instances,
    overview,
    polling,
    system,
    user_settings,
    wall,
    wall_screens,
)

app_name = "elements"

urlpatterns = [
    path("", overview.Overview.as_view(), name="overview"),
    path("find/", find.Find.as_view(), name="find"),
    path("wall/", wall.Wall.as_view(), name="wall"),
    path("wall/screens/", wall_screens.WallScreens.as_view(), name="wall_screens"),
    path("wall/screens/<int:pk>/revoke/", wall_screens.WallScreenRevoke.as_view(), name="wall_screen_revoke"),
    path("wall/<slug:token>/", wall.WallOfScreen.as_view(), name="wall_of_screen"),
    path("activity/", activity.Activity.as_view(), name="activity"),
    path("system/", system.System.as_view(), name="system"),
    path("settings/", user_settings.Settings.as_view(), name="settings"),
    path("e/<slug:slug>/general/", general.General.as_view(), name="general"),
    path("e/<slug:slug>/general/test/", general.GeneralTest.as_view(), name="general_test"),
    path("e/<slug:slug>/instances/", instances.Instances.as_view(), name="instances"),
    path("e/<slug:slug>/instances/export.csv", instances.InstancesExport.as_view(), name="instances_export"),
    path("e/<slug:slug>/instances/selection.json", instances.InstancesSelection.as_view(), name="instances_selection"),
    path("e/<slug:slug>/instances/settings/", instances.InstancesSettings.as_view(), name="instances_settings"),
    path("e/<slug:slug>/instances/<str:instance_id>/", instance.InstanceDetail.as_view(), name="instance"),
    path("e/<slug:slug>/actions/confirm/", actions.ActionConfirm.as_view(), name="action_confirm"),
    path("e/<slug:slug>/actions/", actions.ActionSubmit.as_view(), name="action_submit"),
    path("e/<slug:slug>/configuration/", configuration.Configuration.as_view(), name="configuration"),
    path("e/<slug:slug>/configuration/preview/", configuration.NamingPreview.as_view(), name="naming_preview"),
    path("e/<slug:slug>/debug/", debug.Debug.as_view(), name="debug"),
    path("e/<slug:slug>/debug/export.<str:kind>", debug.DebugExport.as_view(), name="debug_export"),
    path("e/<slug:slug>/events/", events.Events.as_view(), name="events"),
    path("e/<slug:slug>/events/<int:pk>/reschedule/", events.EventReschedule.as_view(), name="event_reschedule"),
    path("e/<slug:slug>/events/display-key/", events.EventsDisplayKey.as_view(), name="events_display_key"),
    path("e/<slug:slug>/poll/", polling.PollNow.as_view(), name="poll_now"),
]
