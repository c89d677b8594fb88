/* ec2mon: the behaviour of the pages. No dependency, no build step, no inline script. Every page works without it:
   links navigate, forms post. It adds live data, selection, dialogs and keys.

   LIVE REFRESH. A page takes part when an element has data-live (element_base.html: <main>).
   Asked:    GET the page's own address, X-Fragment: live, with since=<data-revision> added to the query.
             Without since, every row of the page is wanted.
   Answered: 204 or 304 when nothing changed; else 200 with HTML (elements/_live.html) of which these count:
     [data-live]              data-revision for the next question, data-now, and data-busy while anything changes
                              data-shape: when it differs the page is loaded anew (other columns, a table where none was)
     table[data-live-table]   the changed rows, matched by data-key; data-order="key key ..." lists all keys of the page in
                              order (left out: all rows are there). data-noun, data-nouns, data-gone word the notice.
     [data-live-part=name]    replaces the page's part of that name when it differs: head, tabs, tiles, banners, side
     <title>                  the tab's title
   Every 5 s while busy, else every 15 s, not while hidden. Texts of <time data-rel|data-abs> and form tokens are no difference.
   <html data-health> is asked every 3 s whether the server is there; two misses are said within 10 s.
   What is in use (focus, pressed, selected text) waits. A redirect to sign-in, 401 or 403 ends it with a banner.

   START, STOP, REBOOT. [data-act=verb] with an href, or in a row (form#sel names the address), and [data-bulk-act=verb]
   ask for the confirm page (X-Fragment: dialog; POST beyond 100 IDs); its form[data-act-form] is put into #dlg-act. [data-close]
   cancels, input[data-expect] must be typed, button[data-act-go] acts. The form is posted with X-Fragment: dialog; the answer is such a
   form again, or any other page (after a redirect), whose flashes are shown while the selection is cleared and the page refreshed.
   form[data-inline] is posted the same way, without a dialog. data-can on a row lists the verbs that apply to it.

   FIND. [data-find-open] and Ctrl K open #dlg-find: GET <its form's action>?q=<text>, X-Fragment: find; answered with
   [data-find-answer], whose children are the options, and [data-find-said], which is read out; see find.js.

   WALL. [data-wall] is never frozen green: [data-wall-lost] covers it when the server is silent; see wall.js.

   NAMING PREVIEW. form[data-preview-url] with [data-fmt]: GET ?<name>=<text>, X-Fragment: preview; see forms.js. */
import * as actions from "./actions.js";
import * as find from "./find.js";
import * as flashes from "./flashes.js";
import * as forms from "./forms.js";
import * as frame from "./frame.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as selection from "./selection.js";
import * as time from "./time.js";
import * as use from "./use.js";
import * as wall from "./wall.js";

/* live remembers what the server wrote, so it comes before anything that repaints */
use.start();
live.start();
time.start();
for (const part of [frame, flashes, selection, actions, forms, keys, find, wall]) part.start();
