"""The screen: the only package that imports Textual.

Private parts of Textual that it uses or replaces, each with the reason. `tests/ui/test_textual_private.py` says which
of them is missing when Textual changes, and which is used without standing here.

Application:
- `textual.message_pump.MessagePump._close_messages_no_wait`: the last step of `_handle_exception`. Issue: none known.
- `textual.app.App._batch_count`: see `Screen._compositor_refresh`. Issue: none known.
- `textual.app.App._clipboard`: the editors paste from it. Issue: none known.
- `textual.app.App._driver`: the clipboard's sequence goes to the terminal as everything does. Issue: none known.
- `textual.app.App._exception`: set by `_handle_exception`, so that tests see the error. Issue: none known.
- `textual.app.App._exception_event`: as `_exception`. Issue: none known.
- `textual.app.App._exit_renderables`: printed once the terminal is restored. Issue: none known.
- `textual.app.App._filters`: NO_COLOR sends greys otherwise. Issue: Textualize/textual#2829.
- `textual.app.App._handle_exception`: prints every local variable, which holds keys and prompts. Issue: none known.
- `textual.app.App._return_code`: set by `_handle_exception`. Issue: none known.
- `textual.app.App._watch_theme`: styles and paints all anew for the theme that it began with. Issue: none known.
- `textual.screen.Screen._compositor_refresh`: paints in a batch what was taken away. Issue: none known.
- `textual._compositor.ChopsUpdate`: what the one below makes. Issue: none known.
- `textual._compositor.Compositor`: renders nearly all there is for every frame of the lanes. Issue: none known.
- `textual._compositor.Compositor._dirty_regions`: the places that have changed. Issue: none known.
- `textual._compositor.Compositor._get_renders`: the widgets that are rendered. Issue: none known.
- `textual.screen.Screen._compositor`: takes ours in place of Textual's. Issue: none known.
- `textual.screen.Screen._screen_resized`: lays the first picture out three times more, for the size that it has. Issue:
  none known.
- `textual.widget.Widget._size`: the size of the latest layout, for the one above. Issue: none known.
- `textual.command.CommandPalette._action_command_list`: turns pages of what is not there. Issue: none known.
- `textual.command.CommandPalette._gather_commands`: goes on when it is closed. Issue: none known.
- `textual.command.CommandPalette._GATHER_COMMANDS_GROUP`: as the one before. Issue: none known.
- `textual.dom.DOMNode._bindings`: an application's keys are class-wide otherwise; each has its own. Issue: none known.

Driver:
- `textual._parser.ParseError`: ends the parser of keys in order. Issue: none known.
- `textual._xterm_parser.XTermParser`: the parser of keys, for the reading thread below. Issue: none known.
- `textual._xterm_parser.XTermParser._sequence_to_key_events`: of two Alt keys in one read the first types "^" else.
  Issue: none known.
- `textual.driver.Driver._app`: told of changes of size. Issue: none known.
- `textual.driver.Driver._auto_restart`: whether Ctrl+Z and fg are handled. Issue: none known.
- `textual.driver.Driver._debug`: passed on to the parser. Issue: none known.
- `textual.driver.Driver._loop`: other threads call back on it. Issue: none known.
- `textual.drivers.linux_driver.LinuxDriver._disable_mouse_support`: part of `disable_input`. Issue: none known.
- `textual.drivers.linux_driver.LinuxDriver._file`: the terminal, opened once more without blocking because Textual's
  writer blocks the event loop when the terminal does. Issue: Textualize/textual#1104 has the writer.
- `textual.drivers.linux_driver.LinuxDriver._get_terminal_size`: believes COLUMNS and LINES. Issue: none known.
- `textual.drivers.linux_driver.LinuxDriver._in_band_window_resize`: the terminal reports its size. Issue: none known.
- `textual.drivers.linux_driver.LinuxDriver._key_thread`: polls ten times a second. Issue: none known.
- `textual.drivers.linux_driver.LinuxDriver._run_input_thread`: an error there left a dead screen. Issue:
  Textualize/textual#520.
- `textual.drivers.linux_driver.LinuxDriver._sigcont_application`: fg after SIGSTOP. Issue:
  Textualize/textual#3727.
- `textual.drivers.linux_driver.LinuxDriver._sigtstp_application`: stops on the event loop. Issue:
  Textualize/textual#3727.
- `textual.drivers.web_driver.WebDriver._write`: raises when the page has gone. Issue: none known.

Keys and widgets:
- `textual.keys._character_to_key`: keys in a configuration are written as they are typed. Issue: none known.
- `textual.widgets._text_area.TextArea._cursor_offset`: as the next one. Issue: docs/upstream/textual-text-area.md.
- `textual.widgets._text_area.TextArea._recompute_cursor_offset`: undo of a paste ends the program. Issue:
  docs/upstream/textual-text-area.md.
- `textual.widget.Widget._on_click`: a click on the list of targets chooses by its place. Issue: none known.
- `textual.widgets._input.Input._position_to_cell`: the cursor's place, in the text with stand-ins. Issue: none known.
- `textual.widgets._input.Input._value`: gives control characters to the terminal as they are. Issue: none known.
"""
